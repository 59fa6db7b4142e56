/** What docs/api.md lists is what there is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { closeReasons } from '../src/core/connection.ts';
import { AppError, errorCodes } from '../src/core/errors.ts';
import { eventTypes, refusalRules } from '../src/core/event.ts';
import { nodeStates } from '../src/fleet/node.ts';
import { statuses as grpcStatuses, toStatus } from '../src/grpc/status.ts';
import { statuses as httpStatuses } from '../src/http/problem.ts';
import { connectionEnds } from '../src/metrics/connection-ends.ts';
import { Metrics } from '../src/metrics/prometheus.ts';
import { memoryControl } from './support/memory-control.ts';

const root = join(import.meta.dirname, '..');
const text = readFileSync(join(root, 'docs/api.md'), 'utf8');

/** The rows of the first table under a heading, cell by cell. */
function table(heading: string): string[][] {
  const [, section = ''] = text.split(`\n## ${heading}\n`);
  const lines = section.split('\n');
  const start = lines.findIndex((line) => line.startsWith('|---'));
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 1, end === -1 ? undefined : end).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The words in backticks. */
function words(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
}

test('the error table has every code with its statuses', () => {
  const rows = table('Errors').flatMap(([codes, http, grpc]) =>
    words(codes).map((code) => [code, Number(http), grpc]),
  );
  const expected = errorCodes.map((code) => [
    code,
    httpStatuses[code][0],
    status[grpcStatuses[code]],
  ]);
  expect(rows.sort()).toEqual(expected.sort());
});

test('every trailer that an error has over gRPC is named', () => {
  const said = { owner: 'a', scope: 'operator', log: 'b', limit: 'c', why: 'timeout' };
  const counts = { oldestSeq: 1, headSeq: 2, limitValue: 3, retryAfterMs: 4 };
  const wait = { count: 5, min: 6, max: 7, seq: 8 };
  const error = new AppError('not_met', 'no', { ...said, ...counts, ...wait });
  const { metadata } = toStatus(error, 'request', { resumeAfterSeq: 9 });
  const names = Object.keys(metadata.getMap()).filter((name) => name.startsWith('kodama-'));
  expect(names).toHaveLength(2 + 14);
  const [, section = ''] = text.split('\n## Errors\n');
  const [paragraph = ''] = section.split('\n\n').filter((part) => part.includes('trailers'));
  const named = words(paragraph).filter((word) => word.startsWith('kodama-'));
  expect(named.sort()).toEqual(names.sort());
});

test('every state of a node is told, and every rule by which an arrival is refused', () => {
  const [, section = ''] = text.split('\n## Nodes\n');
  const told = words(section.split('\n## ')[0]);
  expect(nodeStates.filter((state) => !told.includes(state))).toEqual([]);
  const rules = table('Why arrivals are refused').flatMap(([rule]) => words(rule));
  expect(rules.sort()).toEqual([...refusalRules].sort());
});

test('every type of event and every reason of an end is explained', () => {
  expect(
    table('Events')
      .flatMap(([types]) => words(types))
      .sort(),
  ).toEqual([...eventTypes].sort());
  const reasons = table('How connections end').flatMap(([reason]) => words(reason));
  expect(reasons.sort()).toEqual([...closeReasons].sort());
  const ends = table('How connections end').flatMap(([reason, by = '']) =>
    words(reason).flatMap((one) => by.split(', ').map((initiator) => `${one} ${initiator}`)),
  );
  expect(ends.sort()).toEqual(
    connectionEnds.map(({ reason, initiator }) => `${reason} ${initiator}`).sort(),
  );
});

test('every metric of the product is listed', async () => {
  await using memory = await memoryControl();
  const metrics = new Metrics();
  const records = { takenRecords: 0, lateRecords: 0, refusedRecords: 0, spoolRecords: 0 };
  metrics.observe({
    ...{ ...memory, retention: { bytes: 0 }, store: { connectFailures: 0 } },
    ...{ sessions: { size: 0, ...records } },
    ...{ sweeps: { census: new Map(), suspended: [], won: 0 }, commands: { waiting: 0 } },
  });
  const served = [...(await metrics.text()).matchAll(/^# TYPE (kodama_\S+)/gm)];
  const names = served.map(([, name]) => name);
  expect(
    table('Metrics')
      .flatMap(([cell]) => words(cell))
      .sort(),
  ).toEqual(names.sort());
});

test('every call is listed, on both edges', () => {
  const { paths } = JSON.parse(readFileSync(join(root, 'openapi.json'), 'utf8'));
  const plain = (path: string) => path.replace(/\{[^}]*\}/g, '{}').replace(/\?.*/, '');
  const calls = ['Calls', 'Projects and keys'].flatMap(table);
  const listed = calls.flatMap(([rest]) => {
    let last = '';
    // What stands without a method goes on from the path before it: `GET /v1/listeners` · `/{id or name}`.
    return words(rest).map((call) => {
      const isTail = call.startsWith('/{');
      last = isTail ? last + call : call.replace(/^[A-Z]+ /, '');
      return plain(last);
    });
  });
  expect([...new Set(listed)].sort()).toEqual(Object.keys(paths).map(plain).sort());
  const protos = [
    ...['listener', 'connection', 'event', 'project', 'key', 'audit', 'node', 'join_token'],
  ].map((name) => readFileSync(join(root, `proto/kodama/v1/${name}_service.proto`), 'utf8'));
  const methods = [...protos.join('\n').matchAll(/^ {2}rpc (\w+)/gm)].map(([, name]) => name);
  const grpc = calls.flatMap(([, cell]) => words(cell));
  expect(grpc.sort()).toEqual(methods.sort());
});
