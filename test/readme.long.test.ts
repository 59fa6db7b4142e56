/** The README, taken at its word: its tour and what comes after it are run as they stand. */
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { keepTheirPromises, type Promised, stepsOf } from './support/readme-steps.ts';
import { startApp } from './support/test-app.ts';

const address = '127\\.0\\.0\\.1:\\d+';

/** The cells of a table of one row, by their titles. */
function rowOf(output: string): Record<string, string> {
  const [titles = '', row = '', ...rest] = output.trim().split('\n');
  expect(rest, output).toEqual([]);
  const cells = row.split(/ {2,}/);
  return Object.fromEntries(titles.split(/ {2,}/).map((title, at) => [title, cells[at] ?? '']));
}

const tour: readonly Promised[] = [
  [/^`npx kodama` is the command/, (output) => expect(output).toBe('')],
  [
    /^An echo server on port 9000/,
    (output) => {
      expect(rowOf(output)).toMatchObject({ NAME: 'tour', PROTOCOL: 'tcp', STATE: 'listening' });
    },
  ],
  [/^Connect and talk/, (output) => expect(output.trim()).toBe('hello')],
  [
    /^The accepted socket/,
    (output) => {
      const row = rowOf(output);
      expect(row).toMatchObject({ LISTENER: 'tour', STATE: 'open' });
      expect(row.PID).toMatch(/^\d+$/);
      expect(row.FD).toMatch(/^\d+$/);
      expect(row.RADDR).toMatch(new RegExp(`^${address}$`));
      expect(row.RADDR).not.toBe(row.LADDR);
    },
  ],
  [
    /^Hang up, and wait until/,
    (output) => {
      expect(output.trim()).toMatch(/ closed +6 +6 +\S+ s +peer_fin by peer\nmet: 1, at seq \d+$/);
    },
  ],
  [/^Any other client/, (output) => expect(output).toMatch(/^(\S*nc\nhello again\n?)?$/)],
  [
    /^The log: every step/,
    (output) => {
      const types = output.split('\n').map((line) => line.trim().split(/ {2,}/)[2]);
      const life = ['listener_created', 'listener_listening', 'connection_opened'];
      expect(types.slice(0, 4)).toEqual([...life, 'connection_closed']);
      expect(output).toMatch(/^ +1 {2}/);
    },
  ],
  [
    /^What the command prints as JSON/,
    (output) => {
      const { connections } = JSON.parse(output);
      const ending = { closeReason: 'peer_fin', closeInitiator: 'peer', bytesIn: 6, bytesOut: 6 };
      expect(connections).toContainEqual(expect.objectContaining(ending));
    },
  ],
  [
    /^The stream as a gRPC client sees it/,
    (output) => {
      expect(output).toMatch(/^1 \S+Z listener_created/m);
      expect(output).toMatch(/ connection_closed .* peer_fin, 6 B in, 6 B out$/m);
    },
  ],
  [
    /^A listener for as long as a program runs/,
    (output) => {
      expect(output).toMatch(/^listening on \S+ {2}\(short, tcp\)$/m);
      expect(output).toMatch(/^hi$/m);
      expect(output.trim()).toMatch(/\nclosed short: 1 connection, 3 bytes in, 3 out$/);
    },
  ],
  [/^The end: the port is free/, (output) => expect(output).toBe('closed tour\n')],
];

/** The table of the listener that was made or changed, then what came back. */
function madeAnd(output: string) {
  const [titles = '', row = '', ...rest] = output.split('\n');
  return { listener: rowOf(`${titles}\n${row}\n`), rest: rest.join('\n').trim() };
}

const more: readonly Promised[] = [
  [
    /^A slow network/,
    (output) => {
      const { listener, rest } = madeAnd(output);
      expect(listener.FAULTS).toBe('latency 300ms');
      expect(rest).toBe('hello');
    },
  ],
  [
    /^Another fault for the same connection/,
    (output) => {
      const { listener, rest } = madeAnd(output);
      expect(listener.FAULTS).toBe('limit 5B:fin');
      expect(rest).toBe('hello');
    },
  ],
  [/^UDP/, (output) => expect(madeAnd(output).rest).toBe('ping')],
  [/^TLS/, (output) => expect(madeAnd(output).rest).toMatch(/^GET \/am-i-heard HTTP/)],
  [
    /^A PROXY header/,
    (output) => {
      expect(JSON.parse(madeAnd(output).rest)).toMatchObject({
        declaredRaddr: { ip: '203.0.113.7', port: 5555 },
        raddr: { ip: '127.0.0.1' },
      });
    },
  ],
  [
    /^All of it as a file/,
    (output) => {
      const { listeners } = parse(output);
      const names = listeners.map(({ name }: { name: string }) => name);
      expect(names).toEqual(['slow', 'datagrams', 'secure', 'balanced']);
      expect(listeners[0].faults).toEqual([{ type: 'limit', bytes: 5 }]);
    },
  ],
  [
    /^The end of them all/,
    (output) => {
      const closed = output.trim().split('\n').toSorted();
      expect(closed).toEqual([
        'closed balanced',
        'closed datagrams',
        'closed secure',
        'closed slow',
      ]);
    },
  ],
];

const sections = [
  { title: 'A tour', promises: tour },
  { title: 'Faults, UDP, TLS, and who is behind the load balancer', promises: more },
];

test('every line of the tour, and of what comes after it, works as it stands and does what its comment says', async () => {
  await using app = await startApp();
  const steps = sections.flatMap(({ title, promises }) => {
    const told = stepsOf(title);
    expect(told, title).toHaveLength(promises.length);
    return told;
  });
  const promises = sections.flatMap((each) => each.promises);
  await keepTheirPromises(steps, promises, app);
});
