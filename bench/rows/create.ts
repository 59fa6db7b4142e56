/** Creating listeners: one after the other, and thousands at once. Held against one fdatasync on the same disk. */
import { Disk } from '../disk.ts';
import { quantile, timedMs } from '../figures.ts';
import { Kodama, type ListenerView } from '../kodama.ts';
import { LoadGenerator } from '../load-generator.ts';
import { pssBytes } from '../process-stats.ts';
import type { Result } from '../report.ts';
import type { Row } from '../row.ts';

const batchSize = 100;

export const createRow: Row = {
  name: 'create',
  async run({ isQuick }) {
    return [
      ...(await measureOne(isQuick ? 100 : 300)),
      ...(await measureMany(isQuick ? 1000 : 5000)),
    ];
  },
};

async function measureOne(count: number): Promise<readonly Result[]> {
  await using kodama = await Kodama.start();
  for (let index = 0; index < 20; index += 1) await kodama.createListener();
  const syncs: number[] = [];
  const creates: number[] = [];
  using disk = new Disk(kodama.dataDir);
  for (let index = 0; index < count; index += 1) {
    syncs.push(disk.syncMs());
    creates.push(await timedMs(() => kodama.createListener()));
  }
  return [0.5, 0.99].map((share) => ({
    what: `create and bind a listener, p${share * 100}`,
    unit: 'ms',
    reference: { name: 'fdatasync', figure: quantile(syncs, share) },
    kodama: quantile(creates, share),
    goal: share === 0.5 ? { of: 'figure', max: 5 } : undefined,
    note: `${count}, through REST, durable`,
  }));
}

async function measureMany(count: number): Promise<readonly Result[]> {
  await using kodama = await Kodama.start();
  const [worker = 0] = await kodama.workerPids();
  const memory = () => ({ worker: pssBytes(worker), control: pssBytes(kodama.pid) });
  const before = memory();
  const listeners = Array.from({ length: batchSize }, () => ({}));
  const made: ListenerView[] = [];
  const tookMs = await timedMs(async () => {
    while (made.length < count) {
      const answer = await kodama.rest.post<{ listeners: ListenerView[] }>('/v1/listeners:batch', {
        listeners,
      });
      made.push(...answer.listeners);
    }
  });
  const after = memory();
  const each = (part: 'worker' | 'control'): string =>
    `${((after[part] - before[part]) / 1024 / count).toFixed(1)} KiB`;
  const isSound = made.every(({ state }) => state === 'listening') && (await allEcho(made));
  return [
    {
      what: `${count} listeners at once`,
      unit: 's',
      kodama: tookMs / 1000,
      isSound,
      goal: { of: 'figure', max: 60 },
      note: `batches of ${batchSize}; ${each('worker')} of worker and ${each('control')} of control plane each; ${isSound ? 'all echo' : 'not all echo'}`,
    },
  ];
}

async function allEcho(listeners: readonly ListenerView[]): Promise<boolean> {
  for (const { laddr } of listeners.filter((_, index) => index % 50 === 0)) {
    const load = { mode: 'echo', connections: 1, bytes: 64, seconds: 0.01 } as const;
    await using generator = await LoadGenerator.start({ ...load, port: laddr.port });
    await generator.run();
  }
  return true;
}
