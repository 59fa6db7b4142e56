/** Streams over restarts of a whole kodama: nothing is lost and nothing doubled. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { streamEvents } from '../support/grpc-client.ts';
import { closedConnections } from '../support/history.ts';
import { want } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
import { makeHome, startApp, startProcess } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

function seqsOf(stream: { readonly events: readonly { readonly seq: number }[] }): number[] {
  return stream.events.map(({ seq }) => seq);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

test('over a stop and a kill, resuming by seq loses nothing and doubles nothing', async () => {
  await using home = await makeHome();
  const seen: number[] = [];
  let port = 0;
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM'] as const) {
    await using app = await startProcess(home);
    if (port === 0) {
      const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'kept' });
      port = laddr.port;
    }
    using stream = streamEvents(app.grpcAddress, {}, { afterSeq: seen.at(-1) ?? 0 });
    await stream.synced;
    for (let index = 0; index < 20; index += 1) await talk(port, 'x');
    await waitFor('some of it', () => stream.events.length >= 20);
    app.child.kill(signal);
    const error = await stream.ended;
    expect(error?.code).toBe(status.UNAVAILABLE);
    if (signal === 'SIGTERM') {
      expect(error?.details).toBe('shutting down: resume from the last seq');
      const resume = Number(error?.metadata.get('kodama-resume-after-seq')[0]);
      expect(resume).toBe(Number(stream.messages.at(-1)?.seq));
    }
    seen.push(...seqsOf(stream));
    await app.exited;
  }
  await using app = await startApp({}, home);
  using rest = streamEvents(app.grpcAddress, {}, { afterSeq: seen.at(-1) ?? 0, endAtHead: true });
  expect(await rest.ended).toBeNull();
  seen.push(...seqsOf(rest));
  const { headSeq } = await want(200, app, 'GET', '/v1/status');
  expect(seen).toEqual(range(1, headSeq));
});

test('the example prints the log, a line an event, and resumes by seq', async () => {
  await using app = await startApp();
  const listener = await want(201, app, 'POST', '/v1/listeners', {});
  for (const text of ['talk 0', 'talk 1']) await talk(listener.laddr.port, text);
  await closedConnections(app, listener.id, 2);
  const { headSeq } = await want(200, app, 'GET', '/v1/status');
  const run = async (...args: readonly string[]) => {
    const file = join(import.meta.dirname, '../../examples/stream-events.ts');
    const all = [file, '--addr', app.grpcAddress, '--end-at-head', ...args];
    const { stdout } = await promisify(execFile)(process.execPath, all);
    return stdout.split('\n').filter((line) => line !== '');
  };
  const lines = await run('--after-seq', '0');
  expect(lines.map((line) => Number.parseInt(line, 10))).toEqual(range(1, headSeq));
  expect(lines.at(-1)).toMatch(
    /^\d+ \S+Z connection_closed 127\.0\.0\.1:\d+ → 127\.0\.0\.1:\d+ peer_fin, 6 B in, 6 B out$/,
  );
  expect(await run('--after-seq', String(headSeq - 1))).toEqual(lines.slice(-1));
  expect(await run('--after-seq', '0', '--listener', listener.id)).toEqual(lines);
});
