/**
 * `kodama idle` against a stand-in of what ends silent connections, in each of its ways: all of them at once, since a
 * search waits and does little else.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { beginProgram, type CommandEnd, command, jsonLines } from '../support/command.ts';
import { foreignPort } from '../support/foreign-port.ts';
import { want } from '../support/rest-client.ts';
import { makeHome, sharedApp, startProcess } from '../support/test-app.ts';
import { startTcpBox, startUdpBox, type TimeoutBoxOptions } from '../support/timeout-box.ts';
import { waitFor } from '../support/wait-for.ts';

const app = sharedApp();

interface Case extends Pick<TimeoutBoxOptions, 'ending' | 'isOutboundOnly'> {
  readonly protocol: 'tcp' | 'udp';
  /** For each direction how it is found to end, and what the client of a rung that died says of it. */
  readonly finds: Readonly<Record<string, readonly [how: string, client: string]>>;
  /** Whether the server's record has the time-out. */
  readonly isRecorded?: boolean;
}

const cases: Readonly<Record<string, Case>> = {
  'RST on both sides': {
    protocol: 'tcp',
    ending: 'rst',
    finds: { client: ['rst', 'rst'], server: ['rst', 'rst'] },
    isRecorded: true,
  },
  'FIN on both sides': {
    protocol: 'tcp',
    ending: 'fin',
    finds: { client: ['fin', 'fin'], server: ['fin', 'fin'] },
    isRecorded: true,
  },
  'silence on both sides': {
    protocol: 'tcp',
    ending: 'silent',
    finds: { client: ['silent', 'silent'], server: ['silent', 'silent'] },
  },
  'RST on the next packet': {
    protocol: 'tcp',
    ending: 'rst_on_next',
    finds: { client: ['rst_on_next', 'rst_on_next'], server: ['rst_on_next', 'silent'] },
  },
  'RST, where only clients refresh it': {
    protocol: 'tcp',
    ending: 'rst',
    isOutboundOnly: true,
    finds: { server: ['rst', 'rst'] },
    isRecorded: true,
  },
  'a new mapping over UDP': {
    protocol: 'udp',
    ending: 'remapped',
    finds: { client: ['remapped', 'remapped'] },
  },
  'silence over UDP, where only clients refresh it': {
    protocol: 'udp',
    ending: 'silent',
    isOutboundOnly: true,
    finds: { client: ['silent', 'silent'] },
  },
};

/** What clients connect to, in mode info. */
function listen(fields: object = {}) {
  const limits = { udpIdleTimeoutMs: 120_000 };
  return want(201, app, 'POST', '/v1/listeners', { mode: 'info', limits, ...fields });
}

function ladderWords([from, to, steps]: readonly [string, string, number]): readonly string[] {
  return ['--from', from, '--to', to, '--steps', String(steps), '-o', 'json'];
}

/** Through a box of its own to a listener of its own. */
async function searchThrough(
  { protocol, finds, ...box }: Case,
  timeoutMs: number,
  words: readonly string[],
): Promise<CommandEnd> {
  const { id, laddr } = await listen({ protocol });
  const start = protocol === 'udp' ? startUdpBox : startTcpBox;
  await using started = await start({ ...box, timeoutMs, toPort: async () => laddr.port });
  const directions = Object.keys(finds);
  const direction = directions.length === 1 ? directions[0] : 'both';
  const about = protocol === 'udp' ? ['--udp'] : ['--direction', direction ?? ''];
  const where = ['idle', `127.0.0.1:${started.port}`, '--listener', id];
  const end = await command(app, [...where, ...about, ...words]);
  // What the server has said it says no more.
  expect(await want(200, app, 'GET', `/v1/listeners/${id}`)).toMatchObject({ faults: [] });
  return end;
}

// No rung is near the time-out: those about it are 2.27 s and 2.86 s, and 23.8 s and 37.8 s.
test.each([
  { timeoutMs: 2600, ladder: ['900ms', '7200ms', 10] as const, factor: 1.26 },
  { timeoutMs: 30_000, ladder: ['15s', '60s', 4] as const, factor: 1.587 },
])('a time-out of $timeoutMs ms is found within one step, whatever way it ends', async (one) => {
  const { timeoutMs, ladder, factor } = one;
  const words = ladderWords(ladder);
  const all = Object.entries(cases).map(async ([name, each]) => {
    const end = await searchThrough(each, timeoutMs, words);
    expectFound(name, each, { end, timeoutMs, factor });
  });
  await Promise.all(all);
});

interface Searched {
  readonly end: CommandEnd;
  readonly timeoutMs: number;
  readonly factor: number;
}

function expectFound(
  name: string,
  { protocol, finds, isRecorded = false }: Case,
  { end, timeoutMs, factor }: Searched,
): void {
  expect(end, name).toMatchObject({ code: 0 });
  const found = jsonLines(end.stdout);
  expect(found.map(({ direction }) => direction)).toEqual(Object.keys(finds));
  for (const { direction, aliveMs, deadMs, rungs, ...rest } of found) {
    const about = `${name}, the ${direction} speaks: ${end.stdout}`;
    const [how, client] = finds[direction] ?? [];
    const recordedMs = isRecorded ? expect.any(Number) : null;
    expect(rest, about).toMatchObject({ protocol, how, control: 'alive', recordedMs });
    // A machine that is late may move the bracket, and by less than a step.
    expect(aliveMs, about).toBeGreaterThan(timeoutMs / factor ** 2);
    expect(aliveMs, about).toBeLessThan(timeoutMs * factor);
    expect(deadMs, about).toBeGreaterThan(timeoutMs * 0.98);
    expect(deadMs, about).toBeLessThan(timeoutMs * factor ** 2);
    const dead = rungs.filter(({ silenceMs }: { silenceMs: number }) => silenceMs >= deadMs);
    expect(dead.length, about).toBeGreaterThanOrEqual(2);
    expect(
      dead.filter((each: { client: string }) => each.client !== client),
      about,
    ).toEqual([]);
    if (!isRecorded) continue;
    expect(rest.recordedMs, about).toBeGreaterThan(timeoutMs * 0.98);
    expect(rest.recordedMs, about).toBeLessThan(timeoutMs * factor);
  }
}

test('a second ladder is within what the first has found', async () => {
  const one = cases['RST on both sides'];
  if (one === undefined) throw new TypeError('a case that is there');
  const words = [...ladderWords(['900ms', '7200ms', 4]), '--refine'];
  const { code, stdout } = await searchThrough(one, 2600, words);
  expect(code).toBe(0);
  const found = jsonLines(stdout);
  expect(found).toHaveLength(2);
  for (const { aliveMs, deadMs, rungs } of found) {
    expect(rungs).toHaveLength(8);
    expect(aliveMs).toBeLessThan(2600 * 1.2);
    expect(deadMs).toBeGreaterThan(2600 * 0.98);
    // The first has 1.8 s and 3.6 s, and the second a fifth of that.
    expect(deadMs - aliveMs).toBeLessThan(1200);
  }
});

test('where nothing is found it says what would tell more, or what it was instead', async () => {
  const ladder = ladderWords(['100ms', '2s', 2]);
  const plain = await listen();
  const mortal = await listen({ limits: { maxDurationMs: 700 } });
  const search = ({ id, laddr }: { id: string; laddr: { port: number } }) =>
    command(app, ['idle', `127.0.0.1:${laddr.port}`, '--listener', id, ...ladder]);
  const [lived, died] = await Promise.all([search(plain), search(mortal)]);
  const problemOf = ({ stderr }: CommandEnd) => jsonLines(stderr.trim().split('\n').at(-1) ?? '');
  expect(lived.code).toBe(3);
  expect(jsonLines(lived.stdout)).toMatchObject([{ deadMs: null, how: 'none', control: 'alive' }]);
  const longer = expect.stringContaining('a longer --to tells more');
  expect(problemOf(lived)).toEqual([{ code: 'not_met', detail: longer }]);
  expect(died.code).toBe(3);
  expect(jsonLines(died.stdout)).toMatchObject([{ aliveMs: null, how: 'none', control: 'fin' }]);
  const notSilence = expect.stringContaining('silence is not what ends connections here');
  expect(problemOf(died)).toEqual([{ code: 'not_met', detail: notSilence }]);
});

/** It talks without a line's end to whoever comes, until that has heard enough. */
class Stranger implements AsyncDisposable {
  readonly #server = createServer((socket) => {
    const talk = () => {
      while (socket.writable && socket.write('x'.repeat(65_536)));
    };
    socket.on('drain', talk).on('error', () => undefined);
    talk();
  });

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose]() {
    this.#server.close();
    await once(this.#server, 'close');
  }
}

test('what cannot be searched is refused, and no listener is left', async () => {
  await using taken = await foreignPort();
  const echo = await listen({ mode: 'echo', name: 'idle-echo' });
  const short = await listen({ limits: { idleTimeoutMs: 60_000 }, name: 'idle-short' });
  const other = await listen({ name: 'idle-other' });
  await using stranger = new Stranger();
  const strangerPort = await stranger.listen();
  const at = (port: number) => `127.0.0.1:${port}`;
  const made = ['--listen-port', '0'];
  const refusals: readonly (readonly [number, RegExp, readonly string[]])[] = [
    [2, /is not HOST:PORT/, ['nat.example']],
    [2, /a forged datagram could make it/, [at(9), '--udp', '--direction', 'server']],
    [2, /cannot be used with option '--listen-port/, [at(9), ...made, '--listener', 'a']],
    [1, /port_in_use: /, [at(9), '--listen-port', String(taken.port)]],
    [1, /cannot reach .* ECONNREFUSED/, [at(9), ...made]],
    [1, /cannot reach .* nobody listens there/, [at(9), ...made, '--udp']],
    [1, /no listener in mode info/, [at(strangerPort), ...made, '--listen-host', '127.0.0.1']],
    [1, /leads to another listener/, [at(other.laddr.port), ...made]],
    [1, /cannot resolve nowhere\.invalid/, ['nowhere.invalid:9', ...made]],
    [1, /is in mode echo/, [at(9), '--listener', echo.name]],
    [1, /itself ends what is silent for 60000 ms/, [at(9), '--listener', short.name]],
    [1, /is of tcp, not udp/, [at(9), '--listener', other.name, '--udp']],
    [1, /not_found: no listener idle-nobody/, [at(9), '--listener', 'idle-nobody']],
  ];
  const ends = await Promise.all(refusals.map(([, , words]) => command(app, ['idle', ...words])));
  for (const [at, [code, stderr, words]] of refusals.entries()) {
    const told = { code, stdout: '', stderr: expect.stringMatching(stderr) };
    expect(ends[at], words.join(' ')).toMatchObject(told);
  }
  const away = { url: `http://127.0.0.1:${taken.port}` };
  expect(await command(away, ['idle', at(9)])).toMatchObject({ code: 4, stdout: '' });
  const { listeners } = await want(200, app, 'GET', '/v1/listeners?pageSize=1000');
  expect(listeners.filter(({ labels }: { labels: object }) => 'idle-run' in labels)).toEqual([]);
});

test('Ctrl-C ends it and its listener; a kodama that dies meanwhile is told of', async () => {
  await using home = await makeHome();
  await using mortal = await startProcess(home);
  const begin = async (at: { readonly url: string }) => {
    const free = await want(201, at, 'POST', '/v1/listeners', {});
    await want(204, at, 'DELETE', `/v1/listeners/${free.id}`);
    const { port } = free.laddr;
    const begun = beginProgram(at, ['idle', `127.0.0.1:${port}`]);
    await waitFor('the ladder', () => begun.output.stderr.includes('24 silences'));
    const open = `/v1/connections?lport=${port}&state=open`;
    const areThere = async () => (await want(200, at, 'GET', open)).connections.length === 24;
    await waitFor('a connection for each silence', areThere);
    return { ...begun, port };
  };
  const stopped = await begin(app);
  const { listeners } = await want(200, app, 'GET', `/v1/listeners?port=${stopped.port}`);
  expect(listeners).toMatchObject([{ labels: { 'idle-run': expect.any(String) } }]);
  stopped.child.kill('SIGINT');
  expect(await stopped.ended).toMatchObject({ code: 130, stdout: '' });
  const left = await want(200, app, 'GET', `/v1/listeners/${listeners[0].id}`);
  expect(left).toMatchObject({ state: 'closed' });

  const orphaned = await begin(mortal);
  mortal.child.kill('SIGKILL');
  const { code, stdout, stderr } = await orphaned.ended;
  expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
  expect(stderr).not.toContain('SuppressedError');
});
