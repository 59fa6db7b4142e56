/** npm run chaos -- --seed 1 --rounds 100 --seconds 8 [--recording durable] [--workers 2] */
import { parseArgs } from 'node:util';
import { runRound } from './round.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '8' },
    recording: { type: 'string', default: 'batched' },
    workers: { type: 'string', default: '1' },
    attacks: { type: 'string' },
  },
});

const totals = {
  rounds: 0,
  visits: 0,
  echoed: 0,
  recorded: 0,
  lostAtCrash: 0,
  events: 0,
  crashes: 0,
};
const first = Number(values.seed);
for (let seed = first; seed < first + Number(values.rounds); seed++) {
  const result = await runRound({
    seed,
    durationMs: Number(values.seconds) * 1000,
    recording: values.recording === 'durable' ? 'durable' : 'batched',
    workers: Number(values.workers),
    ...(values.attacks === undefined ? {} : { attackNames: values.attacks.split(',') }),
  });
  const { breaches, log, attacks, ...figures } = result;
  console.log(JSON.stringify({ ...figures, attacks: attacks.length, breaches: breaches.length }));
  totals.rounds += 1;
  for (const key of ['visits', 'echoed', 'recorded', 'lostAtCrash', 'events', 'crashes'] as const) {
    totals[key] += figures[key];
  }
  if (breaches.length > 0) {
    console.error(breaches.slice(0, 50).join('\n'));
    console.error(`attacks: ${attacks.join(', ')}\n${log.slice(-100).join('\n')}`);
    process.exit(1);
  }
}
console.log(JSON.stringify({ total: totals }));
