import { expect, test } from 'vitest';
import { rejection, sampleConnection, sampleId } from '../../test/support/samples.ts';
import { readConfig } from '../config.ts';
import type { WorkerRecord } from '../core/record.ts';
import type { Command, Report, Request, WorkerSettings } from '../echo/messages.ts';
import { toRows } from '../echo/record-rows.ts';
import { Link, type LinkOptions, WorkerFailure } from './link.ts';

const settings: WorkerSettings = {
  ...readConfig({}).dataPlane,
  nodeId: 'node-1',
  workers: 1,
  heartbeatMs: 1000,
};
const serve: Request = { kind: 'serve', listenerId: sampleId(1) };
const bound = { ip: '127.0.0.1', port: 7, fd: 20 };
const isUnavailable = { code: 'unavailable', details: { retryAfterMs: 1000 } };

/** A link whose other side is the test. */
function makeLink(onRecords: LinkOptions['onRecords'] = async () => {}) {
  const sent: Command[] = [];
  const warnings: string[] = [];
  const failures: unknown[] = [];
  let ends = 0;
  let receive: (report: Report) => void = () => undefined;
  let end: () => void = () => undefined;
  const link = new Link({
    transport: {
      send: (command) => sent.push(command),
      onMessage: (listener) => {
        receive = listener;
      },
      onEnd: (listener) => {
        end = listener;
      },
    },
    settings,
    onRecords,
    onWarning: (message) => warnings.push(message),
    onEnd: () => {
      ends += 1;
    },
    onFailure: (error) => failures.push(error),
  });
  return {
    ...{ link, sent, warnings, failures },
    receive: (report: Report) => receive(report),
    end: () => end(),
    ends: () => ends,
  };
}

const turn = () => new Promise((next) => setImmediate(next));

test('it starts the worker with its settings, and is ready when that says so', async () => {
  const { link, sent, receive } = makeLink();
  expect(sent).toEqual([{ kind: 'start', settings }]);
  receive({ kind: 'alive' });
  receive({ kind: 'ready' });
  await link.ready;
});

test('each answer goes to its own request, in whatever order they come', async () => {
  const { link, sent, receive } = makeLink();
  const answers = [1, 2, 3].map(() => link.request(serve));
  expect(sent.slice(1)).toEqual(
    [1, 2, 3].map((number) => ({ kind: 'request', number, request: serve })),
  );
  receive({ kind: 'failed', number: 3, code: `E${'X'.repeat(1000)}` });
  receive({ kind: 'done', number: 2, bound });
  receive({ kind: 'done', number: 1, bound: null });
  expect(await Promise.all(answers.slice(0, 2))).toEqual([null, bound]);
  const failure = await rejection(answers[2] ?? Promise.resolve());
  expect(failure).toBeInstanceOf(WorkerFailure);
  expect(failure).toMatchObject({ code: `E${'X'.repeat(199)}` });
});

test('what a client waits for is told as such', () => {
  const told: boolean[] = [];
  const { receive } = makeLink(async (_, isAwaited) => void told.push(isAwaited));
  receive({ kind: 'records', batch: 1, rows: [], isAwaited: true });
  receive({ kind: 'records', batch: 2, rows: [] });
  expect(told).toEqual([true, false]);
});

test('a batch is acknowledged once it is committed, and not before those that are', async () => {
  const commits = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const taken: WorkerRecord[][] = [];
  const { link, sent, receive } = makeLink((records) => {
    const commit = commits[taken.length];
    taken.push([...records]);
    return commit?.promise ?? Promise.resolve();
  });
  const connection = sampleConnection({ pid: 78, fd: 30 });
  const { id } = connection;
  receive({ kind: 'records', batch: 1, rows: toRows([{ kind: 'opened', connection }]) });
  receive({ kind: 'records', batch: 2, rows: [] });
  // Sockets are those of the link's worker, whatever it says.
  expect(taken[0]).toMatchObject([{ kind: 'opened', connection: { id, pid: 78, fd: 30 } }]);
  let isSettled = false;
  const settled = link.settled().then(() => {
    isSettled = true;
  });
  commits[1]?.resolve();
  await turn();
  expect(sent.slice(1)).toEqual([{ kind: 'committed', batch: 2 }]);
  expect(isSettled).toBe(false);
  commits[0]?.resolve();
  await settled;
  expect(sent.at(-1)).toEqual({ kind: 'committed', batch: 1 });
});

test('a batch that can not be committed is not acknowledged, and told as a failure', async () => {
  const bug = new TypeError('a bug');
  const { link, sent, failures, receive } = makeLink(() => Promise.reject(bug));
  receive({ kind: 'records', batch: 1, rows: [] });
  await link.settled();
  expect([failures, sent.length]).toEqual([[bug], 1]);
});

test('at the end, what waits for the worker and what comes later fails as unavailable', async () => {
  const { link, sent, end, ends } = makeLink();
  const waiting = [link.ready, link.request(serve)].map(rejection);
  end();
  expect(ends()).toBe(1);
  for (const error of await Promise.all(waiting)) expect(error).toMatchObject(isUnavailable);
  await expect(link.request(serve)).rejects.toMatchObject(isUnavailable);
  expect(sent).toHaveLength(2);
});

test('what is told of the end is told before anybody learns of it by an answer', async () => {
  const order: string[] = [];
  const { link, end, ends } = makeLink();
  const failed = rejection(link.request(serve)).then(() => order.push(`after ${ends()} ends`));
  end();
  await failed;
  expect(order).toEqual(['after 1 ends']);
});

test('a warning is passed on', () => {
  const { warnings, receive } = makeLink();
  receive({ kind: 'warning', message: 'all sockets are in use' });
  expect(warnings).toEqual(['all sockets are in use']);
});
