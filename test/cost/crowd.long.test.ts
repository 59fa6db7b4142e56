/**
 * A hostile crowd: callers with the worst inputs that there are and strangers of every kind, all at once, in processes of
 * their own and at rates of their own. Bystanders of the same node are served meanwhile, and nothing of it stays.
 * CROWD_SECONDS=300 for a longer one, CROWD_CALLS_PER_SECOND for faster callers.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { treeCpuSeconds } from '../../bench/process-stats.ts';
import { all, want } from '../support/rest-client.ts';
import { waitFor } from '../support/wait-for.ts';
import { CostWorld } from './cost-world.ts';
import type { Attack, Attacked } from './crowd/attackers.ts';
import { bystanders, percentile, type Served } from './crowd/bystanders.ts';
import type { Marks } from './crowd/strangers.ts';
import { callerFamilies } from './families.ts';
import { loopMs, PeakMemory } from './gauges.ts';

const seconds = Number(process.env.CROWD_SECONDS ?? 60);
const callers = 16;
/** Four of the worst inputs a second in all: some megabytes, so that the attackers leave CPU to whom they attack. */
const callsPerSecond = Number(process.env.CROWD_CALLS_PER_SECOND ?? 0.25);
const echoP99MsMax = 100;
const callP99MsMax = 1000;
/**
 * What each process may have at any moment beyond what it had before. A worker: two semi-spaces of 8 MiB, as much in
 * their buffers, an old generation and native memory of some tens each. The control plane has V8's own bounds: two
 * semi-spaces of 64 MiB, as much in their buffers, and an old generation of up to four times what is alive in it.
 */
const grownBytesMax = { worker: 80 << 20, control: 512 << 20 };
/** What may stay alive of it: the rings and caches of the control plane are full then. */
const liveBytesMax = 64 << 20;
/** All that is alive in the worker: at most a third is what it keeps for slow readers. */
const workerLiveBytesMax = 48 << 20;
const toldCharsMax = 4000;
/** The crowd asks for less of the CPU than those whom it attacks. */
const niceness = 10;

async function listen(world: CostWorld, spec: object): Promise<{ id: string; port: number }> {
  const { id, laddr } = await want(201, world, 'POST', '/v1/listeners', spec);
  return { id, port: laddr.port };
}

async function placeMarks(world: CostWorld): Promise<Marks> {
  const faults = Array.from({ length: 16 }, () => ({ type: 'slice', averageBytes: 1 }));
  const limits = { udpIdleTimeoutMs: 1000 };
  const portOf = async (spec: object) => (await listen(world, spec)).port;
  return {
    httpPort: world.app.httpPort,
    grpcPort: world.app.grpcPort,
    plain: await portOf({ limits: { writeTimeoutMs: 5000 } }),
    sliced: await portOf({ faults }),
    udp: await portOf({ protocol: 'udp', limits }),
    tls: await portOf({ protocol: 'tls' }),
    proxied: await portOf({ proxyProtocol: { mode: 'required' } }),
  };
}

/** Resolves once the attack begins, with what it did once it has ended by itself. */
async function attack(given: Attack): Promise<{ readonly over: Promise<Attacked> }> {
  const file = join(import.meta.dirname, 'crowd/attackers.ts');
  const child = spawn(process.execPath, [file, JSON.stringify(given)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  setPriority(child.pid ?? 0, niceness);
  const lines: string[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  const over = once(child, 'close').then(([code]): Attacked => {
    expect(code).toBe(0);
    return JSON.parse(lines.at(-1) ?? '');
  });
  over.catch(() => undefined);
  await waitFor('the attack', () => lines.length > 0, 60_000);
  return { over };
}

const grown = ({ grownBytes }: PeakMemory) => `+ ${Math.round(grownBytes / 2 ** 20)} MiB`;

interface Used {
  readonly control: number;
  readonly worker: number;
  readonly postgres: number;
  readonly bystanders: number;
}

/** Seconds of CPU so far. */
function used(world: CostWorld, postmasterPid: number): Used {
  const { user, system } = process.cpuUsage();
  return {
    control: loopMs(world.app.pid) / 1000,
    worker: loopMs(world.workerPid) / 1000,
    postgres: treeCpuSeconds(postmasterPid),
    bystanders: (user + system) / 1e6,
  };
}

function report(served: Served, attacked: Attacked, before: Used, after: Used): string {
  const told = (times: readonly number[]) =>
    `${times.length}, p50 ${percentile(times, 50).toFixed(1)} ms, p99 ` +
    `${percentile(times, 99).toFixed(1)} ms, max ${Math.max(...times).toFixed(1)} ms`;
  const share = (name: keyof Used) =>
    `${name} ${((100 * (after[name] - before[name])) / seconds).toFixed(0)} %`;
  const attackers = `attackers ${((100 * attacked.cpuSeconds) / seconds).toFixed(0)} %`;
  const shares = ['control', 'worker', 'postgres', 'bystanders'] as const;
  return [
    `CROWD_SECONDS=${seconds} npx vitest run --project measured test/cost/crowd.long.test.ts`,
    `${callers} callers: ${attacked.calls} calls, ${attacked.megabytes.toFixed(0)} MB`,
    `echoes of bystanders: ${told(served.echoMs)}`,
    `calls of bystanders: ${told(served.callMs)}`,
    `CPU: ${[...shares.map(share), attackers].join(', ')}`,
  ].join('\n');
}

/** Each seq of the log once, and of each connection of the listener what its life had. */
async function wantWholeLog(world: CostWorld, listenerId: string, visitors: readonly string[]) {
  const reply = await fetch(`${world.url}/v1/events?afterSeq=0&endAtHead=true`, {
    headers: { accept: 'application/x-ndjson' },
  });
  let last = 0;
  const lives = new Map<string, string[]>();
  for await (const line of linesOf(reply)) {
    const { seq, event } = JSON.parse(line);
    if (event === undefined) continue;
    expect(seq).toBe(last + 1);
    last = seq;
    if (event.listenerId !== listenerId || !event.connectionId) continue;
    if (event.type === 'connection_half_closed') continue;
    lives.set(event.connectionId, [...(lives.get(event.connectionId) ?? []), event.type]);
  }
  for (const life of lives.values()) {
    expect(life).toEqual(['connection_opened', 'connection_closed']);
  }
  const history = await all(world, `/v1/connections?listener=${listenerId}`, 'connections');
  const raddrs = history.map(({ raddr }) => `${raddr.ip}:${raddr.port}`);
  expect(raddrs.toSorted()).toEqual(visitors.toSorted());
  expect([...lives.keys()].toSorted()).toEqual(history.map(({ id }) => id).toSorted());
}

async function* linesOf({ body }: Response): AsyncGenerator<string> {
  let rest = '';
  for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
}

test(
  'bystanders are served while a crowd of hostile callers and strangers does its worst',
  async () => {
    await using world = await CostWorld.open();
    const { id, port } = await listen(world, { name: 'bystanders' });
    const marks = await placeMarks(world);
    for (const family of callerFamilies) await family.prepare?.(world);
    const postmaster = await world.postmasterPid();
    const liveBefore = await world.liveBytes();
    const workerMemory = new PeakMemory(world.workerPid);
    const controlMemory = new PeakMemory(world.app.pid);
    const { url, grpcAddress, listenerId, connectionId, otherUrl } = world;
    const target = { url, grpcAddress, listenerId, connectionId, otherUrl };
    const { over } = await attack({ target, marks, seconds, callers, callsPerSecond });
    const before = used(world, postmaster);
    const served = await bystanders(world, port, AbortSignal.timeout(seconds * 1000));
    const after = used(world, postmaster);
    console.log(report(served, await over, before, after));
    console.log(`memory: control ${grown(controlMemory)}, worker ${grown(workerMemory)}`);
    const warnings = world.app.lines.filter((line) => !line.includes('"level":30'));
    console.log(`log of the node: ${warnings.join('').slice(0, toldCharsMax)}`);

    expect(served.failures).toEqual([]);
    expect(percentile(served.echoMs, 99)).toBeLessThan(echoP99MsMax);
    expect(percentile(served.callMs, 99)).toBeLessThan(callP99MsMax);
    await want(200, world, 'GET', '/readyz');
    expect(warnings.filter((line) => line.includes('a worker was lost'))).toEqual([]);
    await waitFor(
      'the crowd to be gone',
      async () =>
        (await want(200, world, 'GET', '/v1/connections?state=open')).connections.length === 0,
      60_000,
    );
    expect(workerMemory.grownBytes).toBeLessThan(grownBytesMax.worker);
    expect(controlMemory.grownBytes).toBeLessThan(grownBytesMax.control);
    await wantWholeLog(world, id, served.visitors);
    await waitFor(
      'the memory of the control plane',
      async () => (await world.liveBytes()) - liveBefore < liveBytesMax,
      60_000,
    );
    // Last, for a snapshot takes memory itself.
    expect(await world.workerLiveBytes()).toBeLessThan(workerLiveBytesMax);
  },
  (seconds + 240) * 1000,
);
