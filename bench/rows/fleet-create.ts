/** A listener made on a node on another host, against the same on the built-in node, and one round trip to the gateway. */
import { connect } from 'node:http2';
import { quantile, timedMs } from '../figures.ts';
import { BenchAgent, joinTokenOf, startReplica } from '../fleet.ts';
import type { Result } from '../report.ts';

const warmUps = 20;
/** Beside the round trip. */
const goalMs = 15;

export async function measureFleetCreate(count: number): Promise<readonly Result[]> {
  await using resources = new AsyncDisposableStack();
  const kodama = await startReplica(resources);
  const { name: node } = resources.use(await BenchAgent.start(kodama, { name: 'away' }));
  const there = { placement: { node } };
  const { joinUrl } = await joinTokenOf(kodama);
  using gateway = pinger(joinUrl);
  const here: number[] = [];
  const away: number[] = [];
  const trips: number[] = [];
  for (let index = -warmUps; index < count; index += 1) {
    const figures = [
      await timedMs(() => kodama.createListener()),
      await timedMs(() => kodama.createListener(there)),
      await gateway.pingMs(),
    ] as const;
    if (index < 0) continue;
    here.push(figures[0]);
    away.push(figures[1]);
    trips.push(figures[2]);
  }
  return [0.5, 0.99].map((share) => {
    const trip = quantile(trips, share);
    return {
      what: `create a listener on another node, p${share * 100}`,
      unit: 'ms',
      reference: { name: 'on the built-in node', figure: quantile(here, share) },
      kodama: quantile(away, share),
      goal: share === 0.5 ? { of: 'figure', max: Number((goalMs + trip).toFixed(1)) } : undefined,
      note: `${count}, through REST, durable; a round trip to the gateway ${trip.toFixed(2)} ms`,
    };
  });
}

function pinger(url: string): Disposable & { pingMs(): Promise<number> } {
  const session = connect(url, { rejectUnauthorized: false });
  return {
    pingMs: () =>
      new Promise((resolve, reject) => {
        session.ping((error, ms) => (error === null ? resolve(ms) : reject(error)));
      }),
    [Symbol.dispose]: () => session.destroy(),
  };
}
