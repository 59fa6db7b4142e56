/** TLS keys at rest: what lies in the database, and what becomes of listeners whose key is not there. */

import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { long } from './support/long.ts';
import { call, want } from './support/rest-client.ts';
import { makeHome, type RunningApp, startApp, type TestHome } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const keyOf = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const first = { KODAMA_SECRET_KEY: keyOf(1) };
const second = { KODAMA_SECRET_KEY: keyOf(2) };
const both = { ...second, KODAMA_SECRET_KEY_OLD: keyOf(1) };

async function rowsOf({ environment }: TestHome, sql: string, values: unknown[] = []) {
  const client = new Client({ connectionString: environment.DATABASE_URL });
  await client.connect();
  try {
    return (await client.query({ text: sql, values, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

/** What a client sees of the certificate, over a handshake that only the right key makes. */
async function fingerprintAt({ laddr, tls }: { laddr: { port: number }; tls: { cert: string } }) {
  const socket: TLSSocket = connect({ port: laddr.port, host: '127.0.0.1', ca: tls.cert });
  await once(socket, 'secureConnect');
  const seen = socket.getPeerX509Certificate()?.fingerprint256;
  socket.destroy();
  return seen;
}

function sealedRows(home: TestHome) {
  return waitFor('all rows to be sealed', async () => {
    const rows = await rowsOf(home, 'SELECT tls_key, key_id FROM listener_secrets');
    return rows.length > 0 && rows.every(([tlsKey]) => tlsKey === null) ? rows : undefined;
  });
}

async function shown(app: RunningApp, id: string) {
  return await want(200, app, 'GET', `/v1/listeners/${id}`);
}

test(
  'a key of before there was one, and one made since, lie encrypted and serve after a restart',
  long,
  async () => {
    await using home = await makeHome();
    const ids: string[] = [];
    const prints: string[] = [];
    for (const keys of [{}, first, both, second]) {
      await using app = await startApp(keys, home);
      const made = await want(201, app, 'POST', '/v1/listeners', { protocol: 'tls' });
      ids.push(made.id);
      prints.push(made.tls.fingerprint256);
      const served = await Promise.all(ids.map(async (id) => fingerprintAt(await shown(app, id))));
      expect(served).toEqual(prints);
      if (keys === both) {
        const rows = await waitFor('the rotation', async () => {
          const found = await sealedRows(home);
          return new Set(found.map(([, keyId]) => keyId)).size === 1 ? found : undefined;
        });
        expect(rows).toHaveLength(3);
      } else if (keys === first) {
        expect(await sealedRows(home)).toHaveLength(2);
      }
    }
    // Nowhere else in the database either.
    const tables = await rowsOf(
      home,
      "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    );
    for (const [table] of tables) {
      const sql = `SELECT FROM ${table} r WHERE r::text LIKE '%PRIVATE KEY%'`;
      expect(await rowsOf(home, sql), table).toEqual([]);
    }
  },
);

test(
  'without its key a listener is failed and says so, and comes back at a start with it',
  long,
  async () => {
    await using home = await makeHome();
    const created = { protocol: 'tls', name: 'secure' };
    let id = '';
    let goes = '';
    {
      await using app = await startApp(first, home);
      ({ id } = await want(201, app, 'POST', '/v1/listeners', created));
      ({ id: goes } = await want(201, app, 'POST', '/v1/listeners', { protocol: 'tls' }));
      await want(201, app, 'POST', '/v1/listeners', { name: 'plain' });
    }
    for (const keys of [{}, second, second]) {
      await using app = await startApp(keys, home);
      const failed = await shown(app, id);
      expect(failed).toMatchObject({ state: 'failed', reason: { code: 'secret_key_missing' } });
      expect(failed.reason.message).not.toContain(first.KODAMA_SECRET_KEY);
      expect(failed.sockets).toEqual([]);
      expect(await want(200, app, 'GET', '/v1/listeners/plain')).toMatchObject({
        state: 'listening',
      });
      // It is there to be changed, and to be deleted, as any that failed.
      const labels = { round: Object.keys(keys).length === 0 ? 'none' : 'other' };
      await want(200, app, 'PATCH', `/v1/listeners/${id}`, {
        labels,
        limits: { maxConnections: 5 },
      });
      expect(await shown(app, id)).toMatchObject({ state: 'failed', labels });
    }
    const types = `SELECT type FROM events WHERE listener_id = $1 AND type = 'listener_failed'`;
    expect(await rowsOf(home, types, [id])).toHaveLength(1);
    {
      await using app = await startApp(second, home);
      await want(204, app, 'DELETE', `/v1/listeners/${goes}`);
    }
    await using app = await startApp(both, home);
    const back = await shown(app, id);
    expect(back).toMatchObject({ state: 'listening', reason: null });
    expect(await fingerprintAt(back)).toBe(back.tls.fingerprint256);
    expect(await shown(app, goes)).toMatchObject({ state: 'closed' });
  },
);

test('a row that was changed, or is that of another listener or project, is refused as such', async () => {
  await using home = await makeHome();
  const ids: string[] = [];
  {
    await using app = await startApp(first, home);
    for (let count = 0; count < 4; count += 1) {
      ids.push((await want(201, app, 'POST', '/v1/listeners', { protocol: 'tls' })).id);
    }
  }
  const [changed, moved, foreign, whole] = ids;
  const own = 'UPDATE listener_secrets SET sealed_tls_key =';
  await rowsOf(
    home,
    `${own} set_bit(sealed_tls_key, 300, 1 - get_bit(sealed_tls_key, 300)) WHERE listener_id = $1`,
    [changed],
  );
  await rowsOf(
    home,
    `${own} (SELECT sealed_tls_key FROM listener_secrets WHERE listener_id = $2) WHERE listener_id = $1`,
    [moved, whole],
  );
  await rowsOf(home, 'UPDATE listeners SET project = 2 WHERE id = $1', [foreign]);
  await rowsOf(home, `INSERT INTO projects (ref, name, created_at) VALUES (2, 'other', 0)`);
  await rowsOf(
    home,
    `INSERT INTO log_heads (project, listeners, seq, oldest_seq, max_time, marked_seq, bytes)
    VALUES (2, 1, 0, 1, 0, 0, 0)`,
  );
  await using app = await startApp(first, home);
  for (const id of [changed, moved]) {
    const reason = { code: 'secret_tampered' };
    expect(await shown(app, String(id))).toMatchObject({ state: 'failed', reason });
  }
  expect(
    await rowsOf(home, 'SELECT state, reason FROM listeners WHERE id = $1', [foreign]),
  ).toEqual([['failed', expect.objectContaining({ code: 'secret_tampered' })]]);
  expect(await shown(app, String(whole))).toMatchObject({ state: 'listening' });
  expect((await call(app, 'GET', `/v1/listeners/${foreign}`)).status).toBe(404);
});

test('a key that is none is refused by its name, and never printed', () => {
  const wrong = [
    'x',
    'short',
    Buffer.alloc(31).toString('base64'),
    Buffer.alloc(33).toString('base64'),
  ];
  wrong.push(`${'A'.repeat(42)}B=`, `${keyOf(7)}\n`, Buffer.alloc(32, 0xff).toString('base64url'));
  for (const name of ['KODAMA_SECRET_KEY', 'KODAMA_SECRET_KEY_OLD']) {
    for (const value of wrong) {
      const message = `${name} must be 32 bytes in base64, as \`openssl rand -base64 32\` prints them`;
      const refused = expect.objectContaining({ name: 'ConfigError', message });
      expect(() => readConfig({ ...first, [name]: value }), value).toThrow(refused);
    }
  }
  const alone = { KODAMA_SECRET_KEY_OLD: keyOf(1) };
  expect(() => readConfig(alone)).toThrow(/^KODAMA_SECRET_KEY_OLD is the key before/);
  expect(() => readConfig({ ...first, ...alone })).toThrow(/^KODAMA_SECRET_KEY_OLD is/);
  const config = readConfig(both);
  expect(JSON.stringify(config)).not.toMatch(new RegExp(`${keyOf(1)}|${keyOf(2)}`));
});

test('a start whose REST is beyond loopback warns where keys lie as they are, and only then', () => {
  const beyond = { KODAMA_HTTP_HOST: '0.0.0.0', KODAMA_INSECURE: 'true' };
  const warning = expect.stringContaining('KODAMA_SECRET_KEY is not set');
  expect(readConfig(beyond).warnings).toEqual([warning]);
  expect(readConfig({ ...beyond, ...first }).warnings).toEqual([]);
  expect(readConfig({}).warnings).toEqual([]);
});
