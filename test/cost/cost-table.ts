/** The worst of each family, as people read it. */
import type { Row } from './cost-meter.ts';
import type { Cost, Plain } from './family.ts';

const mebi = 1 << 20;

export function costTable(rows: readonly Row[], plain: Plain, seed: number): string {
  const lines = rows.map((row) => [
    row.name,
    String(row.inputs),
    mb(row.bytesIn),
    row.loopMsMax.toFixed(1),
    row.loopMsPerMbMax.toFixed(0),
    ratiosOf(row),
    mb(row.heldBytes),
    mb(row.workerPeakBytes),
    row.heartbeatMs.toFixed(0),
  ]);
  const head = [
    'family',
    'inputs',
    'MB in',
    'loop ms',
    'ms/MB',
    'worst (bound)',
    'MB held',
    'worker MB',
    'beat ms',
  ];
  const widths = head.map((word, at) =>
    Math.max(word.length, ...lines.map((line) => line[at]?.length ?? 0)),
  );
  const text = [head, ...lines].map((cells) =>
    cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '),
  );
  const broken = rows.flatMap(({ name, violation }) =>
    violation === null ? [] : [`  ${name}: ${violation}`],
  );
  const dearest = rows.map(({ name, dearest: input }) => `  ${name}: ${input}`);
  return [
    `cost, KODAMA_FUZZ_SEED=${seed}; plain input: ${told(plain)}`,
    ...text,
    'dearest for its size:',
    ...dearest,
    ...(broken.length === 0 ? [] : ['beyond their bounds:', ...broken]),
  ].join('\n');
}

function mb(bytes: number): string {
  return (bytes / mebi).toFixed(1);
}

function ratiosOf({ worst, bounds }: Row): string {
  return (Object.entries(worst) as [Cost, number][])
    .map(([cost, ratio]) => `${cost} ${short(ratio)} (${short(bounds[cost] ?? 0)})`)
    .join(', ');
}

function short(value: number): string {
  return value >= 1e6 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

function told(plain: Plain): string {
  const { callMs, byteMs, connectionMs, loneByteMs, bulkByteMs, datagramMs, restShare } = plain;
  return [
    `a refused call ${callMs.toFixed(2)} ms`,
    `a megabyte of valid JSON ${(byteMs * mebi).toFixed(1)} ms`,
    `a connection ${connectionMs.toFixed(2)} ms`,
    `a byte echoed alone ${(loneByteMs * 1000).toFixed(1)} µs`,
    `a megabyte in bulk ${(bulkByteMs * mebi).toFixed(1)} ms`,
    `a datagram ${(datagramMs * 1000).toFixed(1)} µs`,
    `a second of rest ${(restShare * 1000).toFixed(1)} ms`,
  ].join(', ');
}
