/** What `recording: durable` costs a client: the time of a whole connection, whose echo waits for its record. */
import { median } from '../figures.ts';
import { Kodama } from '../kodama.ts';
import { LoadGenerator, type LoadResult } from '../load-generator.ts';
import type { Result } from '../report.ts';
import type { Row } from '../row.ts';

const perSecond = 1000;

export const recordingRow: Row = {
  name: 'recording',
  async run({ isQuick }) {
    await using kodama = await Kodama.start();
    await using batched = await kodama.asEchoServer({ recording: 'batched' });
    await using durable = await kodama.asEchoServer({ recording: 'durable' });
    await connections(batched.port, 1);
    await connections(durable.port, 1);
    const rounds: { batched: LoadResult; durable: LoadResult }[] = [];
    while (rounds.length < (isQuick ? 3 : 9)) {
      rounds.push({
        batched: await connections(batched.port, 2),
        durable: await connections(durable.port, 2),
      });
    }
    return (['p50Us', 'p99Us'] as const).map((of): Result => {
      const ms = (name: 'batched' | 'durable') => median(rounds.map((r) => r[name][of])) / 1000;
      return {
        what: `a whole connection, durable, ${perSecond}/s, ${of.slice(0, 3)}`,
        unit: 'ms',
        reference: { name: 'batched', figure: ms('batched') },
        kodama: ms('durable'),
      };
    });
  },
};

async function connections(port: number, seconds: number): Promise<LoadResult> {
  const load = { mode: 'churn', port, connections: 50, bytes: 16, seconds } as const;
  await using generator = await LoadGenerator.start({ ...load, rate: perSecond });
  return await generator.run();
}
