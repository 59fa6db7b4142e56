/** Which connections a fault is for: by network, by count and by chance. A banner tells that it was chosen. */
import { expect, test } from 'vitest';
import { arrivalOf, listenWith, patchFaults } from './support/fault-client.ts';
import { long } from './support/long.ts';
import { openClient } from './support/tcp-client.ts';
import { commonApp } from './support/test-app.ts';

const app = commonApp();

/** A digit for each connection, one after the other: 1 where it was chosen. */
async function choices(port: number, count: number, localAddress = '127.0.0.1'): Promise<string> {
  let chosen = '';
  for (let n = 0; n < count; n += 1) {
    await using client = await openClient(port, { localAddress });
    client.socket.write('0');
    await arrivalOf(client, 1);
    chosen += client.received.toString().slice(0, 1);
  }
  return chosen;
}

const mark = { type: 'banner', text: '1' };

test.each([
  [{ everyNth: 3 }, '001001001'],
  [{ firstN: 2 }, '110000000'],
  [{ afterN: 6 }, '000000111'],
  [{ everyNth: 2, afterN: 3, firstN: 7 }, '000101000'],
])('match %j counts connections from 1', async (match, expected) => {
  const { port } = await listenWith(app, [{ ...mark, match }]);
  expect(await choices(port, 9)).toBe(expected);
});

test('match cidr is for its network, and only its connections are counted', async () => {
  const match = { cidr: '127.0.7.0/24', everyNth: 2 };
  const { port } = await listenWith(app, [{ ...mark, match }]);
  expect(await choices(port, 3, '127.0.0.1')).toBe('000');
  expect(await choices(port, 3, '127.0.7.1')).toBe('010');
  expect(await choices(port, 3, '127.0.8.1')).toBe('000');
  expect(await choices(port, 2, '127.0.7.200')).toBe('10');
});

test('probability 0 chooses nobody, 1 everybody', async () => {
  const never = await listenWith(app, [{ ...mark, probability: 0 }]);
  const always = await listenWith(app, [{ ...mark, probability: 1 }]);
  expect(await choices(never.port, 20)).toBe('0'.repeat(20));
  expect(await choices(always.port, 20)).toBe('1'.repeat(20));
});

test(
  'the same seed chooses the same connections on any listener, another seed others',
  long,
  async () => {
    const run = async (seed: number) => {
      const { port } = await listenWith(app, [{ ...mark, probability: 0.5, seed }]);
      return await choices(port, 24);
    };
    const chosen = await run(1);
    expect(await run(1)).toBe(chosen);
    expect(await run(2)).not.toBe(chosen);
    const hits = [...chosen].filter((one) => one === '1').length;
    expect(hits).toBeGreaterThan(4);
    expect(hits).toBeLessThan(20);
  },
);

test('the same seed changes the same bytes, another seed others', async () => {
  const run = async (seed: number) => {
    const { port } = await listenWith(app, [{ type: 'corrupt', bytes: 5, seed }]);
    await using client = await openClient(port);
    await client.echo('.'.repeat(100));
    return client.received.toString('latin1');
  };
  const changed = await run(1);
  expect(await run(1)).toBe(changed);
  expect(await run(2)).not.toBe(changed);
});

test('a change of another fault leaves the counts, a change of the fault itself begins anew', async () => {
  const counted = { ...mark, match: { everyNth: 3 } };
  const { id, port } = await listenWith(app, [counted]);
  expect(await choices(port, 2)).toBe('00');
  await patchFaults(app, id, [{ type: 'corrupt', bytes: 1, probability: 0 }, counted]);
  expect(await choices(port, 2)).toBe('10');
  await patchFaults(app, id, [{ ...counted, seed: 1 }]);
  expect(await choices(port, 3)).toBe('001');
});
