/** What the rows of nodes and join tokens keep, over a PostgreSQL. */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { expect, test } from 'vitest';
import { join } from '../../test/support/joined-node.ts';
import { long } from '../../test/support/long.ts';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import { sampleAuditEntry } from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import type { AuditEntry } from '../core/audit.ts';
import { operator } from '../core/caller.ts';
import { systemClock } from '../core/clock.ts';
import { defaultProject, projectRef } from '../core/project.ts';
import { noQuotas } from '../core/quotas.ts';
import type { JoinToken } from '../fleet/join-token.ts';
import type { TokenToStore } from '../fleet/store.ts';
import { digestOf, hintOf, makeSecret } from '../tenancy/key-secret.ts';
import type { KnownProject } from '../tenancy/store.ts';
import { presenceKey, presenceKeySql } from './node-presence.ts';
import { PostgresStore } from './postgres-store.ts';

const limits = { joinTokensMax: 100, joinTokensKeptMax: 1000 };
const clock = systemClock();
const farOff = Number.MAX_SAFE_INTEGER;
const page = { pageSize: 100, after: null };
const audit = (): AuditEntry => sampleAuditEntry();

async function openGround() {
  await using resources = new AsyncDisposableStack();
  const { url } = resources.use(await makeDatabase());
  const client = new Client({ connectionString: url });
  await client.connect();
  resources.defer(() => client.end());
  const open = (nodeId: string) => PostgresStore.open({ connectionString: url, nodeId, log });
  const store = resources.use(await open('node-a'));
  const { nodeRows: nodes, joinTokens } = store.fleet;
  const query = async (text: string, values: readonly unknown[] = []) =>
    (await client.query({ text, values: [...values] })).rows;
  const project = async (name: string): Promise<KnownProject> => {
    const given = { name, displayName: null, quotas: {}, bindHosts: null, id: uuidv7() };
    return await store.tenancy.projects.create(given, clock.now(), audit);
  };
  const all = resources.move();
  return {
    ...{ store, fleet: store.fleet, nodes, joinTokens, open, query, project },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

const byDefault: KnownProject = {
  ...{ ref: defaultProject, name: 'default', id: uuidv7(), displayName: null, state: 'active' },
  ...{ quotas: noQuotas, bindHosts: null, createdAt: 0, updatedAt: 0 },
};

function sampleToken(given: Partial<TokenToStore> = {}): TokenToStore & { secret: string } {
  const secret = makeSecret('kodamajoin_');
  const now = clock.now();
  return {
    ...{ secret, id: uuidv7(), hint: hintOf(secret), digest: digestOf(secret), labels: {} },
    ...{ project: byDefault, shared: false, uses: 1, used: 0, createdBy: operator.actor },
    ...{ createdAt: now, expiresAt: now + 3_600_000_000, revokedAt: null, ...given },
  };
}

function toldOf({ secret: _s, digest: _d, project: _p, ...told }: ReturnType<typeof sampleToken>) {
  return told satisfies JoinToken;
}

test('a token is kept as it was made, without its secret, and is of its project alone', async () => {
  await using ground = await openGround();
  const { joinTokens, query } = ground;
  const other = await ground.project('other');
  const token = sampleToken({ labels: { site: 'dmz' }, uses: 3, shared: true });
  expect(await joinTokens.create(token, limits, audit)).toEqual(toldOf(token));
  const later = sampleToken();
  await joinTokens.create(later, limits, audit);
  expect(await joinTokens.find(defaultProject, token.id)).toEqual(toldOf(token));
  expect(await joinTokens.find(other.ref, token.id)).toBeNull();
  const first = await joinTokens.list(defaultProject, { pageSize: 1, after: null });
  expect(first).toEqual({ items: [toldOf(later)], hasMore: true });
  const rest = await joinTokens.list(defaultProject, { pageSize: 1, after: later.id });
  expect(rest).toEqual({ items: [toldOf(token)], hasMore: false });
  expect(await joinTokens.list(other.ref, page)).toEqual({ items: [], hasMore: false });
  const rows = JSON.stringify(await query('SELECT * FROM join_tokens'));
  expect(rows).not.toContain(token.secret);
  expect(await query('SELECT count(*)::integer FROM audit_entries')).toEqual([{ count: 3 }]);
});

test('a token is revoked once, by who has it', async () => {
  await using ground = await openGround();
  const { joinTokens, query } = ground;
  const other = await ground.project('other');
  const token = sampleToken();
  await joinTokens.create(token, limits, audit);
  const foreign = joinTokens.revoke(other.ref, token.id, 7, audit);
  await expect(foreign).rejects.toMatchObject({ code: 'not_found' });
  const changes: unknown[] = [];
  const told = (before: JoinToken | null, after: JoinToken | null) => {
    changes.push([before?.revokedAt, after?.revokedAt]);
    return audit();
  };
  for (const now of [7, 8]) {
    const revoked = await joinTokens.revoke(defaultProject, token.id, now, told);
    expect(revoked).toEqual({ ...toldOf(token), revokedAt: 7 });
  }
  expect(changes).toEqual([[null, 7]]);
  expect(await query('SELECT count(*)::integer FROM audit_entries')).toEqual([{ count: 3 }]);
});

test('so many tokens that have not ended, and so many in all', async () => {
  await using ground = await openGround();
  const { joinTokens, fleet } = ground;
  const few = { joinTokensMax: 2, joinTokensKeptMax: 4 };
  const create = (given: Partial<TokenToStore> = {}) =>
    joinTokens.create(sampleToken(given), few, audit);
  const used = sampleToken();
  await joinTokens.create(used, few, audit);
  await create({ expiresAt: clock.now() - 1 });
  const made = await Promise.allSettled([create(), create(), create()]);
  const refused = made.filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(2);
  for (const one of refused) {
    expect(one).toMatchObject({
      reason: { code: 'resource_exhausted', details: { limit: 'joinTokensMax', limitValue: 2 } },
    });
  }
  await join(fleet, used.secret);
  await create();
  await expect(create()).rejects.toMatchObject({ details: { limit: 'joinTokensKeptMax' } });
  const quotas = { ...noQuotas, joinTokens: 0 };
  const held = joinTokens.create(
    sampleToken({ project: { ...byDefault, quotas } }),
    { ...limits },
    audit,
  );
  await expect(held).rejects.toMatchObject({ details: { limit: 'joinTokens', limitValue: 0 } });
});

test('tokens that ended long ago are purged, whatever ended them', async () => {
  await using ground = await openGround();
  const { joinTokens } = ground;
  const stays = sampleToken();
  const tokens = [stays, sampleToken({ expiresAt: 5 }), sampleToken({ expiresAt: 50 })];
  for (const token of tokens) await joinTokens.create(token, limits, audit);
  const revoked = sampleToken();
  await joinTokens.create(revoked, limits, audit);
  await joinTokens.revoke(defaultProject, revoked.id, 9, audit);
  expect(await joinTokens.purge(10, 1)).toBe(true);
  expect(await joinTokens.purge(10, 1)).toBe(true);
  expect(await joinTokens.purge(10, 1)).toBe(false);
  const { items } = await joinTokens.list(defaultProject, page);
  expect(items.map(({ id }) => id)).toEqual([tokens[2]?.id, stays.id]);
});

test('a join takes a use and makes a node with its place, and a repeat of it takes none', async () => {
  await using ground = await openGround();
  const { joinTokens, nodes, fleet, query } = ground;
  const token = sampleToken({ labels: { site: 'dmz' } });
  await joinTokens.create(token, limits, audit);
  const publicKey = randomBytes(32);
  const name = 'dmz-1';
  const tries = [1, 2, 3].map(() => join(fleet, `${token.secret}.a-pin`, { name, publicKey }));
  const [known, ...same] = await Promise.all(tries);
  expect(same).toEqual([known, known]);
  expect(known).toMatchObject({ name, publicKey });
  const node = await nodes.find(defaultProject, name);
  expect(node).toMatchObject({
    ...{ id: known?.nodeId, name, state: 'pending', isBuiltIn: false, shared: false },
    ...{ project: defaultProject, projectName: 'default', labels: { site: 'dmz' } },
    ...{ hostname: name, version: '1.2.3', bootId: null, lastSeenAt: null, cordoned: false },
    ...{ lostAfterMs: 300_000, listeners: 0, openConnections: 0 },
  });
  const places = await query('SELECT ref, epoch, append_number FROM writers WHERE id = $1', [
    known?.nodeId,
  ]);
  expect(places).toEqual([{ ref: node?.ref, epoch: '0', append_number: '0' }]);
  expect(await joinTokens.find(defaultProject, token.id)).toMatchObject({ uses: 1, used: 1 });
  const entries = await query("SELECT * FROM audit_entries WHERE operation = 'join'");
  expect(entries).toMatchObject([
    {
      ...{ actor_kind: 'node', actor_id: name, actor_hint: token.hint, resource_kind: 'node' },
      ...{ resource_id: known?.nodeId, project_name: 'default', source_ip: '192.0.2.1' },
      change: { after: { name, joinToken: token.id } },
    },
  ]);
});

test('of as many joins at once as there are uses and more, as many succeed', async () => {
  await using ground = await openGround();
  const { joinTokens, nodes, fleet } = ground;
  const token = sampleToken({ uses: 3 });
  await joinTokens.create(token, limits, audit);
  const joins = await Promise.allSettled(
    Array.from({ length: 6 }, () => join(fleet, token.secret)),
  );
  const refused = joins.filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(3);
  for (const one of refused) expect(one).toMatchObject({ reason: { code: 'unauthenticated' } });
  const listed = await nodes.list({ project: defaultProject, state: null, labels: {} }, page);
  expect(listed.items.map(({ name }) => name)).toEqual(['dmz', 'dmz-2', 'dmz-3']);
});

test('a token that is nobody’s, over or mistyped joins nobody', async () => {
  await using ground = await openGround();
  const { joinTokens, fleet, query } = ground;
  const expired = sampleToken({ expiresAt: clock.now() });
  const revoked = sampleToken();
  const gone = await ground.project('gone');
  const ofGone = sampleToken({ project: gone });
  for (const token of [expired, revoked, ofGone]) await joinTokens.create(token, limits, audit);
  await joinTokens.revoke(defaultProject, revoked.id, clock.now(), audit);
  await query("UPDATE projects SET state = 'deleting' WHERE ref = $1", [gone.ref]);
  const mistyped = expired.secret.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  const secrets = [expired, revoked, ofGone].map(({ secret }) => secret);
  const nobodys = [makeSecret('kodamajoin_'), makeSecret(), mistyped, '', '.', 'kodamajoin_'];
  for (const secret of [...secrets, ...nobodys]) {
    await expect(join(fleet, secret), secret).rejects.toMatchObject({ code: 'unauthenticated' });
  }
  const late = joinTokens.create(sampleToken({ project: gone }), limits, audit);
  await expect(late).rejects.toMatchObject({ code: 'not_found' });
  expect(await query('SELECT name FROM nodes')).toEqual([]);
});

test(
  'nodes are bounded, of a project and of all, and what was removed counts no more',
  long,
  async () => {
    await using ground = await openGround();
    const { joinTokens, nodes, fleet, query } = ground;
    const other = await ground.project('other');
    const mine = sampleToken({ uses: 100 });
    const theirs = sampleToken({ uses: 100, project: other });
    for (const token of [mine, theirs]) await joinTokens.create(token, limits, audit);
    const few = { nodesMax: 3, projectNodesMax: 2 };
    for (const name of ['a', 'b']) await join(fleet, mine.secret, { name }, few);
    await expect(join(fleet, mine.secret, {}, few)).rejects.toMatchObject({
      ...{ code: 'resource_exhausted', details: { limit: 'projectNodesMax', limitValue: 2 } },
    });
    await join(fleet, theirs.secret, {}, few);
    await expect(join(fleet, theirs.secret, {}, few)).rejects.toMatchObject({
      ...{ code: 'resource_exhausted', details: { limit: 'nodesMax', limitValue: 3 } },
    });
    expect(await joinTokens.find(other.ref, theirs.id)).toMatchObject({ used: 1 });
    const a = await nodes.find(defaultProject, 'a');
    if (a === null) expect.fail('it joined');
    await nodes.remove(a, clock.now(), audit);
    await join(fleet, theirs.secret, {}, few);
    await query(`UPDATE projects SET quotas = '{"nodes": 1}' WHERE ref = $1`, [defaultProject]);
    await expect(join(fleet, mine.secret)).rejects.toMatchObject({
      details: { limit: 'nodes', limitValue: 1 },
    });
  },
);

test('names are made unique in their project, however long, and are free once removed', async () => {
  await using ground = await openGround();
  const { joinTokens, nodes, fleet } = ground;
  const other = await ground.project('other');
  const mine = sampleToken({ uses: 100 });
  const theirs = sampleToken({ project: other });
  for (const token of [mine, theirs]) await joinTokens.create(token, limits, audit);
  const long = `a${'b'.repeat(62)}`;
  const names: string[] = [];
  for (const name of [long, long, 'one', 'one-2', 'one']) {
    names.push((await join(fleet, mine.secret, { name })).name);
  }
  expect(names).toEqual([long, `${long.slice(0, 61)}-2`, 'one', 'one-2', 'one-3']);
  expect((await join(fleet, theirs.secret, { name: 'one' })).name).toBe('one');
  const one = await nodes.find(defaultProject, 'one');
  if (one === null) expect.fail('it joined');
  const removed = await nodes.remove(one, 7, audit);
  expect(removed).toEqual({ ...one, state: 'removed' });
  const again = await join(fleet, mine.secret, { name: 'one' });
  expect(again).toMatchObject({ name: 'one' });
  expect(again.nodeId).not.toBe(one.id);
  expect(await nodes.find(defaultProject, one.id)).toMatchObject({ state: 'removed' });
  for (const name of ['', '-a', 'a b', `${long}c`, uuidv7()]) {
    const joining = join(fleet, mine.secret, { name });
    await expect(joining, name).rejects.toMatchObject({ code: 'invalid_argument' });
  }
});

test(
  'a project sees its own and the shared ones, its own before a shared one of that name',
  long,
  async () => {
    await using ground = await openGround();
    const { joinTokens, nodes, fleet } = ground;
    const other = await ground.project('other');
    const third = projectRef(99);
    const tokens = [
      sampleToken({ shared: true, uses: 2, labels: { kind: 'shared' } }),
      sampleToken({ project: other }),
      sampleToken(),
    ] as const;
    for (const token of tokens) await joinTokens.create(token, limits, audit);
    const shared = await join(fleet, tokens[0].secret, { name: 'twin' });
    const theirs = await join(fleet, tokens[1].secret, { name: 'twin' });
    const mine = await join(fleet, tokens[2].secret, { name: 'mine' });
    const seen = async (project: typeof third | null, labels = {}) => {
      const { items } = await nodes.list({ project, state: null, labels }, page);
      return items.map(({ id }) => id);
    };
    expect(await seen(defaultProject)).toEqual([shared.nodeId, mine.nodeId]);
    expect(await seen(other.ref)).toEqual([shared.nodeId, theirs.nodeId]);
    expect(await seen(third)).toEqual([shared.nodeId]);
    expect(await seen(null)).toEqual([shared.nodeId, theirs.nodeId, mine.nodeId]);
    expect(await seen(null, { kind: 'shared' })).toEqual([shared.nodeId]);
    const find = async (...ask: Parameters<typeof nodes.find>) => (await nodes.find(...ask))?.id;
    expect(await find(other.ref, 'twin')).toBe(theirs.nodeId);
    expect(await find(third, 'twin')).toBe(shared.nodeId);
    expect(await find(null, 'twin')).toBe(shared.nodeId);
    expect(await find(null, theirs.nodeId)).toBe(theirs.nodeId);
    expect(await find(other.ref, mine.nodeId)).toBeUndefined();
    expect(await find(other.ref, 'mine')).toBeUndefined();
    const pages = [];
    for (let after: string | null = null; ; ) {
      const query = { project: null, state: null, labels: {} };
      const { items, hasMore } = await nodes.list(query, { pageSize: 1, after });
      pages.push(...items);
      if (!hasMore) break;
      after = `${items.at(-1)?.ref}`;
    }
    expect(pages.map(({ id }) => id)).toEqual([shared.nodeId, theirs.nodeId, mine.nodeId]);
  },
);

test(
  'a change is on record with its audit entry, and nothing of a removed node changes',
  long,
  async () => {
    await using ground = await openGround();
    const { joinTokens, nodes, fleet, query } = ground;
    const token = sampleToken();
    await joinTokens.create(token, limits, audit);
    await join(fleet, token.secret);
    const node = await nodes.find(defaultProject, 'dmz');
    if (node === null) expect.fail('it joined');
    const change = { labels: { site: 'dmz' }, cordoned: true, lostAfterMs: 60_000 };
    const told: unknown[] = [];
    const changed = await nodes.update(node, change, (...both) => {
      told.push(both);
      return audit();
    });
    expect(changed).toEqual({ ...node, ...change });
    expect(told).toEqual([[node, changed]]);
    expect(await nodes.find(defaultProject, 'dmz')).toEqual(changed);
    await nodes.remove(changed, 7, audit);
    expect(await query('SELECT key, removed_at FROM nodes')).toEqual([
      { key: null, removed_at: '7' },
    ]);
    const gone = { code: 'not_found' };
    await expect(nodes.update(changed, change, audit)).rejects.toMatchObject(gone);
    await expect(nodes.remove(changed, 8, audit)).rejects.toMatchObject(gone);
    const ofState = async (state: 'removed' | null) =>
      (await nodes.list({ project: null, state, labels: {} }, page)).items.length;
    expect([await ofState(null), await ofState('removed')]).toEqual([0, 1]);
  },
);

test(
  'a built-in node is ready while its process is there, and back when that is',
  long,
  async () => {
    await using ground = await openGround();
    const { store, nodes, open, joinTokens, fleet } = ground;
    await store.nodes.takeOwn();
    const b = await open('node-b');
    await b.nodes.takeOwn();
    const states = async () => {
      const { items } = await nodes.list(
        { project: projectRef(99), state: null, labels: {} },
        page,
      );
      return Object.fromEntries(items.map(({ name, state }) => [name, state]));
    };
    expect(await states()).toEqual({ 'node-a': 'ready', 'node-b': 'ready' });
    await b[Symbol.asyncDispose]();
    expect(await states()).toEqual({ 'node-a': 'ready', 'node-b': 'disconnected' });
    const seen = await nodes.list({ project: null, state: 'ready', labels: {} }, page);
    expect(seen.items.map(({ name }) => name)).toEqual(['node-a']);
    const gone = await nodes.find(defaultProject, 'node-b');
    if (gone === null) expect.fail('it is on record');
    expect(gone).toMatchObject({ isBuiltIn: true, shared: true, version: null });
    await nodes.remove(gone, 7, audit);
    expect(await states()).toEqual({ 'node-a': 'ready' });
    const token = sampleToken();
    await joinTokens.create(token, limits, audit);
    // Its name is its own, and will be again.
    expect((await join(fleet, token.secret, { name: 'node-b' })).name).toBe('node-b-2');
    await using again = await open('node-b');
    await again.nodes.takeOwn();
    expect(await states()).toEqual({ 'node-a': 'ready', 'node-b': 'ready' });
    // A replica without echo sockets is no node, though it is there.
    await again.nodes.takeOwn(false);
    expect(await states()).toEqual({ 'node-a': 'ready' });
  },
);

test('a node that was removed goes with the last that tells of it', async () => {
  await using ground = await openGround();
  const { joinTokens, nodes, fleet, query } = ground;
  const token = sampleToken({ uses: 3 });
  await joinTokens.create(token, limits, audit);
  const remove = async (name: string, at: number) => {
    await join(fleet, token.secret, { name });
    const node = await nodes.find(defaultProject, name);
    if (node === null) expect.fail('it joined');
    return (await nodes.remove(node, at, audit)).ref;
  };
  const told = await remove('told', 5);
  await remove('gone', 6);
  await remove('later', 70);
  await query(
    `INSERT INTO open_connections (id, listener_id, opened_seq, accepted_at, bytes_in, bytes_out, project, node, pid,
      fd, lport, protocol, laddr) VALUES ($1, $1, 1, 1, 0, 0, 1, $2, 1, 1, 1, 'tcp', '127.0.0.1')`,
    [uuidv7(), told],
  );
  const names = async () =>
    (await query('SELECT name FROM nodes ORDER BY ref')).map(({ name }) => name);
  expect(await nodes.purge(10, 1)).toBe(true);
  expect(await nodes.purge(10, 1)).toBe(false);
  expect(await names()).toEqual(['told', 'later']);
  await query('DELETE FROM open_connections');
  await nodes.purge(10, 1);
  expect(await names()).toEqual(['later']);
  expect(await query('SELECT count(*)::integer FROM writers')).toEqual([{ count: 1 }]);
});

test('a built-in node that is up is not removed, and one that starts meanwhile takes that back', async () => {
  await using ground = await openGround();
  const { nodes, query } = ground;
  const find = async () =>
    (await nodes.find(defaultProject, 'node-b')) ?? expect.fail('it started');
  await using first = await ground.open('node-b');
  await first.nodes.takeOwn();
  await expect(nodes.remove(await find(), 5, audit)).rejects.toMatchObject({
    code: 'failed_precondition',
  });
  expect(await find()).toMatchObject({ state: 'ready' });
  await first[Symbol.asyncDispose]();
  await waitFor('its end', async () => (await find()).state === 'disconnected');
  await using second = await ground.open('node-b');
  await query('BEGIN');
  await query(`UPDATE nodes SET state = 'removed', removed_at = 5 WHERE id = 'node-b'`);
  const starting = second.nodes.takeOwn();
  await waitFor('its start to wait for that', async () => {
    const blocked = 'pg_backend_pid() = ANY(pg_blocking_pids(pid))';
    return (await query(`SELECT pid FROM pg_locks WHERE NOT granted AND ${blocked}`)).length > 0;
  });
  await query('COMMIT');
  await starting;
  expect(await query(`SELECT state, removed_at FROM nodes WHERE id = 'node-b'`)).toEqual([
    { state: 'ready', removed_at: null },
  ]);
  await second[Symbol.asyncDispose]();
  await waitFor('its end', async () => (await find()).state === 'disconnected');
  expect(await nodes.remove(await find(), 5, audit)).toMatchObject({ state: 'removed' });
});

test('a replica without echo sockets that ended long ago leaves neither node nor place', async () => {
  await using ground = await openGround();
  const { nodes, open, query } = ground;
  const idsOf = async (table: string) =>
    (await query(`SELECT id FROM ${table} ORDER BY ref`)).map(({ id }) => id);
  const missedSql = "SELECT removed_at IS NOT NULL AS missed FROM nodes WHERE id = 'brief'";
  const isMissed = async () => (await query(missedSql))[0]?.missed as boolean;
  const untilMissed = async () =>
    await waitFor('its lock to be gone', async () => {
      await nodes.purge(10, 9);
      return await isMissed();
    });
  for (let n = 0; n < 2; n += 1) {
    await using brief = await open('brief');
    await brief.nodes.takeOwn(false);
    expect(await nodes.purge(farOff, 9)).toBe(false);
    expect(await isMissed()).toBe(false);
    await brief[Symbol.asyncDispose]();
    await untilMissed();
  }
  {
    // One that was missed while its connection was away is there again.
    await using back = await open('brief');
    await back.nodes.takeOwn(false);
    await query("UPDATE nodes SET removed_at = 5 WHERE id = 'brief'");
    await nodes.purge(10, 9);
    expect(await isMissed()).toBe(false);
  }
  await untilMissed();
  expect(await idsOf('nodes')).toEqual(['brief']);
  await nodes.purge(farOff, 9);
  expect(await idsOf('nodes')).toEqual([]);
  expect(await idsOf('writers')).toEqual([]);
});

test('SQL and process have one key for a node', async () => {
  await using ground = await openGround();
  const ids = ['node-a', 'nœud', ...Array.from({ length: 50 }, () => uuidv7())];
  const text = `SELECT ${presenceKeySql('n.id')} AS key FROM unnest($1::text[]) n(id)`;
  const rows = await ground.query(text, [ids]);
  expect(rows.map(({ key }) => Number(key))).toEqual(ids.map(presenceKey));
});
