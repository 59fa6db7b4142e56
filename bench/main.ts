/** Prints a table, and writes bench/out/<time>.json. What is measured, and how: docs/performance.md. */
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { readCommandLine, readNumber } from '../src/command-line.ts';
import { compareWith, comparisonTable } from './against.ts';
import { outDir } from './compile.ts';
import { processorText } from './processor.ts';
import { printProfiles, startProfiles } from './profile.ts';
import { keep, type Result, table } from './report.ts';
import { restedMemoryText } from './rested-memory.ts';
import type { Row, RowOptions } from './row.ts';
import { appendRow } from './rows/append.ts';
import { callsRow } from './rows/calls.ts';
import { churnRow } from './rows/churn.ts';
import { consoleRow } from './rows/console.ts';
import { createRow } from './rows/create.ts';
import { echoRow } from './rows/echo.ts';
import { fairRow } from './rows/fair.ts';
import { faultsRow } from './rows/faults.ts';
import { fleetRow } from './rows/fleet.ts';
import { historyRow } from './rows/history.ts';
import { idleRow } from './rows/idle.ts';
import { latencyRow } from './rows/latency.ts';
import { preambleRow } from './rows/preamble.ts';
import { purgeRow } from './rows/purge.ts';
import { recordingRow } from './rows/recording.ts';
import { replayRow } from './rows/replay.ts';
import { startRow } from './rows/start.ts';
import { udpRow } from './rows/udp.ts';
import { seed } from './seed.ts';

// What it reads lies outside of V8's heap, which would be collected whole for that several times a second: its own 30 ms of
// marking were most of what the slowest answers took.
setFlagsFromString('--external-memory-accounted-in-global-limit');

const rows: readonly Row[] = [
  echoRow,
  udpRow,
  preambleRow,
  faultsRow,
  churnRow,
  appendRow,
  latencyRow,
  recordingRow,
  replayRow,
  idleRow,
  createRow,
  callsRow,
  fleetRow,
  fairRow,
  consoleRow,
  historyRow,
  purgeRow,
  startRow,
];

const names = rows.map(({ name }) => name);
const usage = `npm run bench [-- ROW …] [--quick]             all rows, or those named
npm run bench -- churn --profile               and where kodama's CPU goes (echo, churn, replay)
npm run bench -- churn --against COMMIT        the same rows by that commit, in turn: what has become dearer
npm run bench -- echo --perf                   where the CPU of all servers goes, by perf(1) (echo, churn)
npm run bench -- seed [--connections 10000000] [--data-dir …]    fills a database for the row history

The rows: ${names.join(', ')}`;

const { values, words } = readCommandLine({
  usage,
  words: ['seed', ...names],
  options: {
    quick: { type: 'boolean', default: false },
    perf: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    against: { type: 'string' },
    connections: { type: 'string', default: '10000000' },
    'data-dir': { type: 'string', default: join(outDir, 'history') },
  },
});

const options: RowOptions = {
  isQuick: values.quick,
  hasPerf: values.perf,
  nodeArgs: values.profile ? startProfiles() : [],
  connections: readNumber('connections', values.connections, usage, 1),
  dataDir: values['data-dir'],
};

function chosenRows(): readonly Row[] {
  return words.length === 0 ? rows : rows.filter(({ name }) => words.includes(name));
}

async function runRow(row: Row): Promise<readonly Result[]> {
  console.log(`${row.name} …`);
  try {
    return await row.run(options);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.log(`  ${row.name}: ${message}`);
    const [note = ''] = message.split('\n');
    return [
      { what: row.name, unit: '', kodama: null, note: `could not run: ${note.slice(0, 120)}` },
    ];
  }
}

if (words.includes('seed')) {
  await seed(options);
} else if (values.against !== undefined) {
  console.log(`${processorText()}\n${await restedMemoryText()}`);
  const chosen = chosenRows().map(({ name }) => name);
  const found = compareWith(values.against, chosen, values.quick ? ['--quick'] : []);
  console.log(`\n${comparisonTable(values.against, found)}`);
} else {
  const results: Result[] = [];
  console.log(`${processorText()}\n${await restedMemoryText()}`);
  for (const row of chosenRows()) results.push(...(await runRow(row)));
  console.log(`In the end ${await restedMemoryText()}.`);
  console.log(`\n${table(results)}\n`);
  console.log(keep(results, options));
  if (values.profile) printProfiles();
}
