/** Pages of a history that is longer than what one step looks at, held against one plain query. */

import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import { ofDefault, sampleTime } from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { everyConnection } from '../core/connection-filter.ts';
import type { ConnectionQuery } from '../core/directories.ts';
import { defaultProject } from '../core/project.ts';
import { netOf } from './address-nets.ts';
import { ConnectionReader } from './connection-reader.ts';
import { Database, type Reads } from './database.ts';
import { historyQuery, idAbove } from './history-query.ts';
import { gatherNetwork } from './history-steps.ts';
import { NodeDirectory } from './node-directory.ts';
import { defaultLimits, PostgresStore } from './postgres-store.ts';
import type { ProjectReader } from './project-reads.ts';

const connections = 60_000;
/** Of one port, one after the other; each lives as long. */
const listeners = 600;
const second = 1_000_000;

/** A UUIDv7 of the time, and after it of the number. */
const idOf = (
  micros: string,
  n: string,
): string => `(lpad(to_hex(${micros} / 1000), 12, '0') || '7000'
  || '8' || lpad(to_hex(${n}), 15, '0'))::uuid`;

/**
 * Each connection a second after the one before. The network 198.51.100.0/24 is only in the first sixth, and 10.1.255.0/24
 * comes there every 768 seconds, and four times in a row much later. Every fifth declares an address: of 203.0.0.0/16 in
 * turn, of 198.18.7.0/24 only in the first sixth, and 192.0.2.9 three times far apart.
 */
const fillSql = `WITH l AS (
  INSERT INTO listeners (id, node, name, protocol, host, port, mode, state, laddr, lport, recording, sockets,
    created_at, updated_at, closed_at, generation, spec_bytes, project, revision)
  SELECT ${idOf('at', 'n')}, 1, NULL, (CASE WHEN n % 7 = 0 THEN 'udp' ELSE 'tcp' END)::protocol, '127.0.0.1',
    9000, 'echo', 'closed', '127.0.0.1', CASE WHEN n % 50 = 0 THEN 9001 ELSE 9000 END, 'batched', '[]',
    at, at, at + 100 * ${second}, 1, 6, 1, 1
  FROM generate_series(0, ${listeners - 1}) n, LATERAL (SELECT ${sampleTime} + n * 100::bigint * ${second} AS at) t
  RETURNING id, lport, protocol, created_at
), c AS (
  SELECT n, ${sampleTime} + n * ${second}::bigint AS at, (CASE
      WHEN n < ${connections / 6} AND n % 4 = 1 THEN '198.51.100.' || n % 250
      WHEN n IN (50000, 50003, 50006, 50009) THEN '10.1.255.' || n % 200
      WHEN n % 3 = 0 THEN '10.1.' || CASE WHEN n % 256 = 255 AND n > ${connections / 6} THEN 7 ELSE n % 256 END || '.' || n % 200
      WHEN n % 1000 = 1 THEN '10.2.0.7' WHEN n % 13 = 2 THEN '2001:db8:' || n % 20 || '::1'
      ELSE '127.0.0.' || 1 + n % 40 END)::inet AS raddr,
    (CASE WHEN n % 20000 = 7 THEN '192.0.2.9' WHEN n % 5 <> 0 THEN NULL
      WHEN n < ${connections / 6} AND n % 4 = 0 THEN '198.18.7.' || n % 250
      ELSE '203.0.' || n % 256 || '.' || n % 200 END)::inet AS declared,
    (CASE WHEN n % 5000 = 2 THEN 'max_bytes' WHEN n % 10 = 3 THEN 'peer_rst'
      ELSE 'peer_fin' END)::close_reason AS reason
  FROM generate_series(0, ${connections - 1}) n
)
INSERT INTO closed_connections (id, listener_id, opened_seq, closed_seq, accepted_at, closed_at, bytes_in, bytes_out,
  pid, fd, lport, rport, protocol, close_initiator, close_reason, net, node, project, laddr, raddr, declared_raddr,
  declared_rport)
SELECT ${idOf('at', 'n')}, l.id, 2 * n + 1, 2 * n + 2, at, at + 1000, 1, 1, 1, 1, l.lport, 1, l.protocol, 'peer',
  reason, CASE WHEN family(raddr) = 6 THEN ${netOf('2001:db8::')} ELSE (raddr - '0.0.0.0'::inet) >> 16 END, 1, 1,
  '127.0.0.1', raddr, declared, CASE WHEN declared IS NULL THEN NULL ELSE 1 END
FROM c JOIN l ON l.created_at = ${sampleTime} + (n / 100) * 100::bigint * ${second}`;

/** Of every so many there is another like it, in the same moment, which is open still. */
const openSql = `INSERT INTO open_connections (id, listener_id, opened_seq, accepted_at, bytes_in, bytes_out, pid, fd,
  lport, rport, protocol, node, project, laddr, raddr, declared_raddr, declared_rport)
SELECT ${idOf('accepted_at', `opened_seq + ${2 * connections}`)}, listener_id, opened_seq + ${2 * connections},
  accepted_at, 1, 1, 1, 1, lport, 1, protocol, 1, 1, laddr, raddr, declared_raddr, declared_rport
FROM closed_connections WHERE opened_seq % 211 = 1`;

const resources = new AsyncDisposableStack();
let client: Client;
let store: PostgresStore;
let databaseUrl: string;

beforeAll(async () => {
  const { url } = resources.use(await makeDatabase());
  store = resources.use(await PostgresStore.open({ connectionString: url, nodeId: 'node', log }));
  await store.nodes.takeOwn();
  databaseUrl = url;
  client = new Client({ connectionString: url });
  await client.connect();
  resources.defer(() => client.end());
  await client.query(fillSql);
  await client.query(openSql);
  await client.query('ANALYZE');
}, 60_000);
afterAll(() => resources.disposeAsync());

const at = (n: number): number => sampleTime + n * second;
const columns: Readonly<Record<string, string>> = {
  protocol: 'protocol = $',
  raddr: 'raddr <<= $',
  declaredRaddr: 'declared_raddr <<= $',
  lport: 'lport = $',
  closeReason: 'close_reason = $',
  acceptedAfter: 'accepted_at >= $',
  acceptedBefore: 'accepted_at < $',
};

async function plainIds(query: Partial<ConnectionQuery>): Promise<readonly string[]> {
  const asked = Object.entries(query);
  const where = asked.map(([name], index) => `${columns[name]}${index + 1}`).join(' AND ');
  const told = 'id, protocol, raddr, declared_raddr, lport, accepted_at';
  const { rows } = await client.query<{ id: string }>(
    `SELECT id FROM (
      SELECT ${told}, close_reason FROM closed_connections UNION ALL SELECT ${told}, NULL FROM open_connections
    ) c ${where === '' ? '' : `WHERE ${where}`} ORDER BY id DESC`,
    asked.map(([, value]) => value),
  );
  return rows.map(({ id }) => id);
}

const queries: readonly Partial<ConnectionQuery>[] = [
  {},
  { raddr: '10.2.0.7' },
  { raddr: '198.51.100.0/24' },
  { raddr: '198.51.100.16/28' },
  { raddr: '10.0.0.0/8' },
  { raddr: '2001:db8:7::/48' },
  { raddr: '2001:db8::/32', closeReason: 'max_bytes' },
  { raddr: '198.51.100.0/24', closeReason: 'max_bytes' },
  { raddr: '198.51.100.0/24', acceptedAfter: at(5000), acceptedBefore: at(5100) },
  { raddr: '127.0.0.0/16', protocol: 'udp' },
  // Few addresses, which are read one by one: with much and with little each, and with what is never, or seldom, theirs.
  { raddr: '127.0.0.0/24' },
  { raddr: '127.0.0.0/24', protocol: 'udp' },
  { raddr: '127.0.0.0/24', lport: 9001 },
  { raddr: '127.0.0.0/24', closeReason: 'max_bytes' },
  { raddr: '127.0.0.0/24', acceptedAfter: at(20_000), acceptedBefore: at(50_000) },
  { raddr: '127.0.0.8/29' },
  { raddr: '10.1.0.0/24' },
  { raddr: '10.1.255.0/24', acceptedBefore: at(50_100) },
  { raddr: '10.1.0.64/26', closeReason: 'peer_rst' },
  { raddr: '10.1.0.0/24', lport: 9001 },
  { raddr: '10.1.0.0/24', acceptedAfter: at(20_000), acceptedBefore: at(50_000) },
  { raddr: '2001:db8:7::/120' },
  { raddr: '2001:db8:7::/120', closeReason: 'peer_rst', acceptedBefore: at(30_000) },
  // More of them, which are sorted, or too many for that.
  { raddr: '10.1.0.0/22' },
  { raddr: '10.1.254.0/23', acceptedBefore: at(50_100) },
  { raddr: '10.1.64.0/18', protocol: 'udp' },
  { raddr: '127.0.0.0/20', closeReason: 'max_bytes' },
  { declaredRaddr: '192.0.2.9' },
  { declaredRaddr: '192.0.2.9', lport: 9001 },
  { declaredRaddr: '203.0.5.125' },
  { declaredRaddr: '203.0.0.0/16' },
  { declaredRaddr: '203.0.5.0/24' },
  { declaredRaddr: '203.0.4.0/22', closeReason: 'peer_rst' },
  { declaredRaddr: '198.18.7.0/24' },
  { declaredRaddr: '198.18.7.0/24', acceptedAfter: at(5000), acceptedBefore: at(5100) },
  { declaredRaddr: '198.18.0.0/15', protocol: 'udp' },
  { declaredRaddr: '198.18.7.0/24', raddr: '10.1.0.0/16' },
  { declaredRaddr: '192.0.2.9', raddr: '10.0.0.0/8' },
  { declaredRaddr: '203.0.5.0/24', raddr: '127.0.0.3' },
  { declaredRaddr: '::/0' },
  { protocol: 'udp' },
  { protocol: 'udp', closeReason: 'peer_rst' },
  { closeReason: 'max_bytes' },
  { closeReason: 'peer_rst', acceptedBefore: at(30_000) },
  { lport: 9001 },
  { lport: 9000 },
  { lport: 9000, closeReason: 'max_bytes' },
  { lport: 9000, raddr: '10.2.0.7', protocol: 'tcp' },
  { lport: 9000, raddr: '127.0.0.0/8' },
  { lport: 9000, protocol: 'udp', acceptedAfter: at(20_000), acceptedBefore: at(20_000 + 2000) },
  { lport: 9002 },
  { acceptedAfter: at(20_000), acceptedBefore: at(20_000 + 1500) },
];

test.for(queries)('%o is read as one plain query reads it, page by page', async (query) => {
  const expected = await plainIds(query);
  const found: string[] = [];
  // Small pages at first, where a page is the most that is looked at; large ones further down.
  for (let after: string | null = null; ; ) {
    const pageSize = found.length < 100 ? 23 : 1000;
    const page = await ofDefault(store).connections.list(
      { ...everyConnection, ...query },
      { pageSize, after },
    );
    found.push(...page.map(({ id }) => id));
    if (page.length < pageSize) break;
    after = page.at(-1)?.id ?? null;
  }
  expect(found).toEqual(expected);
});

const octet = fc.integer({ min: 0, max: 255 });
const moment = fc.integer({ min: -100, max: connections + 100 }).map(at);
const anyQuery: fc.Arbitrary<Partial<ConnectionQuery>> = fc.record(
  {
    raddr: fc
      .oneof(
        fc
          .tuple(fc.constantFrom('10.1', '10.2', '127.0', '198.51'), octet, octet)
          .map((parts) => [...[parts.join('.'), 32]]),
        fc.integer({ min: 0, max: 19 }).map((n) => [`2001:db8:${n}::1`, 128]),
      )
      .chain(([ip, bits]) =>
        fc.integer({ min: 0, max: 24 }).map((wider) => `${ip}/${Number(bits) - wider}`),
      ),
    declaredRaddr: fc
      .tuple(fc.constantFrom('203.0.5', '203.0.77', '198.18.7', '192.0.2'), octet, octet)
      .map(([net, host, bits]) => `${net}.${host}/${8 + (bits % 25)}`),
    closeReason: fc.constantFrom('peer_fin', 'peer_rst', 'max_bytes', 'error'),
    protocol: fc.constantFrom('tcp', 'udp', 'tls'),
    lport: fc.constantFrom(9000, 9001, 9002),
    acceptedAfter: moment,
    acceptedBefore: moment,
  },
  { requiredKeys: [] },
);

test('any page of any filter is what one plain query finds there', async () => {
  const page = fc.record({
    pageSize: fc.constantFrom(1, 7, 51, 251, 1001),
    place: fc.double({ min: 0, max: 0.999, noNaN: true }),
  });
  await fc.assert(
    fc.asyncProperty(anyQuery, page, async (query, { pageSize, place }) => {
      const expected = await plainIds(query);
      const from = Math.floor(place * expected.length);
      const after = from === 0 ? null : (expected[from - 1] ?? null);
      const found = await ofDefault(store).connections.list(
        { ...everyConnection, ...query },
        { pageSize, after },
      );
      expect(found.map(({ id }) => id)).toEqual(expected.slice(from, from + pageSize));
    }),
    { numRuns: 300 },
  );
});

test('a network with too much in it is not gathered, nor one with too much that is not asked for', async () => {
  const reads: Reads = {
    query: async ({ text, values = [] }) =>
      (await client.query({ text, values: [...values], rowMode: 'array' })).rows,
  };
  const { rows } = await client.query('SELECT id FROM listeners ORDER BY created_at LIMIT 1');
  const early = { listenerIds: [rows[0].id] };
  const step = async (asked: Partial<ConnectionQuery>, limit: number) => {
    const query = historyQuery(defaultProject, { ...everyConnection, ...asked }, null);
    return await gatherNetwork(reads, 'network', { query, limit, size: 16_000 });
  };
  const gather = async (asked: Partial<ConnectionQuery>) =>
    (await step(asked, 51))?.rows.length ?? null;
  expect(await gather({ raddr: '10.1.0.0/24' })).toBe(51);
  expect(await gather({ raddr: '127.0.0.0/24' })).toBe(51);
  expect(await gather({ raddr: '127.0.0.0/24', ...early })).toBeNull();
  // One of its addresses has it all.
  expect(await gather({ raddr: '2001:db8:7::/120', ...early })).toBe(1);
  expect(await gather({ raddr: '10.1.0.0/22' })).toBe(51);
  expect(await gather({ raddr: '10.1.0.0/22', ...early })).toBe(2);
  expect(await gather({ raddr: '127.0.0.0/20' })).toBeNull();
  // What it found was accepted in that very moment, and not before.
  const beside = { raddr: '127.0.0.0/24', acceptedBefore: at(30_004) };
  expect(await step(beside, 1)).toMatchObject({ rows: [], isFull: true });
});

test('a connection that closes while its page is read is found once', async () => {
  const raddr = '198.51.100.0/24';
  const isThere = "raddr <<= '198.51.100.0/24' ORDER BY id LIMIT 1";
  const { rows } = await client.query(`SELECT id FROM open_connections WHERE ${isThere}`);
  const [{ id }] = rows;
  const closeIt = `WITH gone AS (DELETE FROM open_connections WHERE id = '${id}' RETURNING *)
    INSERT INTO closed_connections (id, listener_id, opened_seq, closed_seq, accepted_at, closed_at, bytes_in, bytes_out,
      pid, fd, lport, rport, protocol, close_initiator, close_reason, net, node, project, laddr, raddr)
    SELECT id, listener_id, opened_seq, opened_seq + 1, accepted_at, accepted_at + 1, 1, 1, 1, 1, lport, 1, protocol,
      'peer', 'peer_fin', ${netOf('198.51.100.0')}, 1, 1, laddr, raddr FROM gone`;
  let statements = 0;
  const query: Reads['query'] = async ({ text, values = [] }) => {
    statements += 1;
    const answer = await client.query({ text, values: [...values], rowMode: 'array' });
    if (statements === 1) await client.query(closeIt);
    return answer.rows;
  };
  const parsed: ProjectReader['parsed'] = async (found, parse) => found.map(parse);
  await using database = new Database({
    connectionString: databaseUrl,
    log,
    limits: defaultLimits,
  });
  const directory = new NodeDirectory(database);
  const reader = new ConnectionReader(
    { query, upTo: () => ({ query }), parsed },
    directory,
    defaultProject,
  );
  const page = await reader.list({ ...everyConnection, raddr }, { pageSize: 10_000, after: null });
  expect(statements).toBeGreaterThan(1);
  expect(page.filter((one) => one.id === id)).toHaveLength(1);
  expect(page.map((one) => one.id)).toEqual(await plainIds({ raddr }));
});

test('the bounds of a page of time hold what was accepted in it', async () => {
  const [newest = ''] = await plainIds({});
  expect(idAbove(at(connections - 1) + 1) > newest).toBe(true);
  expect(netOf('::1')).toBe(0);
  expect(netOf('10.1.2.3')).toBe(10 * 256 + 1);
  expect(netOf('2001::7')).toBe(0x20010000);
});
