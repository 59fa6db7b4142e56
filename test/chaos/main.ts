/** Rounds of chaos, or a soak: docs/reliability.md. Ends with 1 at the first round that breaks an invariant. */
import { findChromium } from '../../scripts/find-chromium.ts';
import { readChoice, readCommandLine, readNumber } from '../../src/command-line.ts';
import { losses } from './fleet-attacks.ts';
import { runFleetRound } from './fleet-round.ts';
import { type RoundOptions, type RoundResult, runRound } from './round.ts';
import { storeKinds } from './round-store.ts';
import { soak } from './soak.ts';

const recordings = ['batched', 'durable'] as const;
const usage = `npm run chaos -- --seed 1 --rounds 100 --seconds 8
    [--store ${storeKinds.join('|')}] [--recording ${recordings.join('|')}] [--workers 2] [--clients 20]
    [--attacks kill_worker,…]         what is not given changes with the seed
    [--console]                       each round has the console open in a browser, and not every third
npm run chaos -- --fleet --seed 1 --rounds 10 --seconds 30
    [--clients 20] [--attacks kill_replica,…] [--loss ${[...losses, 'none'].join('|')}]   what is not given changes with the seed
npm run chaos -- --soak --minutes 40 --rate 200`;

const { values } = readCommandLine({
  usage,
  options: {
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '8' },
    store: { type: 'string' },
    recording: { type: 'string' },
    workers: { type: 'string' },
    clients: { type: 'string', default: '20' },
    attacks: { type: 'string' },
    console: { type: 'boolean', default: false },
    fleet: { type: 'boolean', default: false },
    loss: { type: 'string' },
    soak: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '40' },
    rate: { type: 'string', default: '200' },
  },
});

const number = (name: string, text: string) => readNumber(name, text, usage, 1);
const given = {
  seed: readNumber('seed', values.seed, usage),
  rounds: number('rounds', values.rounds),
  seconds: number('seconds', values.seconds),
  clients: number('clients', values.clients),
  workers: values.workers === undefined ? null : number('workers', values.workers),
  minutes: number('minutes', values.minutes),
  rate: number('rate', values.rate),
  store: readChoice('store', values.store, storeKinds, usage),
  recording: readChoice('recording', values.recording, recordings, usage),
  loss: readChoice('loss', values.loss, [...losses, 'none'] as const, usage),
};

const chromium = findChromium();
if (values.console && chromium === null) throw new Error('no Chromium, nor KODAMA_TEST_CHROMIUM');

const summed = ['visits', 'echoed', 'recorded', 'lost', 'events', 'resumes', 'kills'] as const;

async function rounds(): Promise<boolean> {
  const totals = { rounds: 0, attacks: 0, healMsMax: 0, slowestMsMax: 0 };
  const sums = Object.fromEntries(summed.map((key) => [key, 0]));
  for (let { seed } = given; seed < given.seed + given.rounds; seed++) {
    const options = optionsOf(seed);
    const result = await runRound(options);
    report(options, result);
    totals.rounds += 1;
    totals.attacks += result.attacks.length;
    totals.healMsMax = Math.max(totals.healMsMax, result.healMs);
    totals.slowestMsMax = Math.max(totals.slowestMsMax, result.slowestMs);
    for (const key of summed) sums[key] = (sums[key] ?? 0) + result[key];
    if (result.breaches.length > 0) return false;
  }
  console.log(JSON.stringify({ total: { ...totals, ...sums } }));
  return true;
}

function optionsOf(seed: number): RoundOptions {
  const { store, recording, workers, seconds, clients } = given;
  const kinds = ['embedded', 'external', 'embedded', 'external', 'small_disk'] as const;
  return {
    seed,
    durationMs: seconds * 1000,
    store: store ?? kinds[seed % kinds.length] ?? 'embedded',
    recording: recording ?? (seed % 2 === 0 ? 'durable' : 'batched'),
    clientsAtOnce: clients,
    chromium: values.console || seed % 3 === 0 ? chromium : null,
    workers: workers ?? 1 + (Math.floor(seed / 2) % 2),
    ...(values.attacks === undefined ? {} : { attackNames: values.attacks.split(',') }),
  };
}

function report({ store, recording, workers, chromium }: RoundOptions, result: RoundResult): void {
  const { breaches, log, attacks, seed, ...figures } = result;
  const about = { seed, store, recording, workers, hasConsole: chromium !== null };
  const counts = { attacks: attacks.length, breaches: breaches.length };
  console.log(JSON.stringify({ ...about, ...figures, ...counts }));
  if (breaches.length === 0) return;
  console.error(breaches.slice(0, 50).join('\n'));
  console.error(`attacks: ${attacks.join(', ')}\n${log.slice(-100).join('\n')}`);
}

/** Every third round has a node that is lost, each time in another way. */
async function fleetRounds(): Promise<boolean> {
  for (let { seed } = given; seed < given.seed + given.rounds; seed++) {
    const bySeed = seed % 3 === 0 ? (losses[(seed / 3) % losses.length] ?? 'none') : 'none';
    const loss = given.loss ?? bySeed;
    const { breaches, log, attacks, ...figures } = await runFleetRound({
      ...{ seed, durationMs: given.seconds * 1000, clientsAtOnce: given.clients },
      loss: loss === 'none' ? null : loss,
      ...(values.attacks === undefined ? {} : { attackNames: values.attacks.split(',') }),
    });
    const counts = { attacks: attacks.length, breaches: breaches.length };
    console.log(JSON.stringify({ ...figures, loss, ...counts }));
    if (breaches.length === 0) continue;
    console.error(breaches.slice(0, 50).join('\n'));
    console.error(`attacks: ${attacks.join(', ')}\n${log.join('\n')}`);
    return false;
  }
  return true;
}

async function run(): Promise<boolean> {
  if (values.soak) return await soak({ minutes: given.minutes, rate: given.rate });
  return values.fleet ? await fleetRounds() : await rounds();
}

const isGood = await run();
process.exitCode = isGood ? 0 : 1;
