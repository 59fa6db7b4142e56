/**
 * A fleet on hosts of its own, as far as one machine has them: replicas, agents and clients in network namespaces. One
 * agent is behind a NAT, one is cut off for 50 s and one for three minutes, and meanwhile a replica and a worker are
 * killed. In the end the record has to say what the clients say.
 */
import { expect, test } from 'vitest';
import { siteNames } from '../fleet-scene/ground.ts';
import { patientMs, type Scene, startScene, untilNode } from '../fleet-scene/scene.ts';
import { type Account, SceneClients } from '../fleet-scene/scene-clients.ts';
import { type Judged, judgeScene } from '../fleet-scene/scene-verdict.ts';
import { kernelSocket } from '../support/proc-sockets.ts';
import { all, want } from '../support/rest-client.ts';
import { passed, waitFor } from '../support/wait-for.ts';

/**
 * Of south more: a cut may be as long as that, less the five seconds before the end, those of a heartbeat, and what
 * dialling takes.
 */
const lostAfterMs = { north: 60_000, south: 90_000, west: 60_000 };
const shortCutMs = 50_000;
const longCutMs = 180_000;
const killReplicaAtMs = 10_000;
const killWorkerAtMs = 25_000;

test('a fleet behind a NAT, cut off for a while and for too long has on record what its clients saw', async () => {
  await using scene = await startScene(lostAfterMs);
  const { ground, replicas, agents, projects, states } = scene;
  if (ground.without !== null) {
    process.stderr.write(`The scene is of loopback addresses, without a NAT: ${ground.without}\n`);
  }
  await using clients = new SceneClients();
  await comeAll(scene, clients);
  const stayers = [...clients.accounts];
  await hasEchoed(stayers);
  await seeThroughNat(scene, stayers);
  for (const listener of scene.listeners) clients.pass(ground.sites[listener.site].near, listener);

  const cutAt = await playTroubles(scene);
  await untilNode(replicas[1], 'west', 'lost');
  for (const api of projects.flatMap(({ apis }) => apis)) {
    const west = await want(200, api, 'GET', '/v1/listeners/west');
    expect(west).toMatchObject({ state: 'failed', reason: { code: 'node_lost' } });
  }
  const lostAt = Date.now();
  await until(cutAt, longCutMs);
  const backAt = Date.now();
  ground.sites.west.restore();
  await untilNode(replicas[1], 'west', 'ready');
  const ofWest = stayers.filter(({ listener }) => listener.site === 'west');
  const isOver = () => ofWest.every(({ endedAt }) => endedAt !== null);
  await waitFor('who stayed at west to see its end', isOver, patientMs);

  await clients.endPassing();
  await clients.leaveAll();
  await settle(scene);
  const { breaches, judged } = await judgeScene(projects, clients.accounts);
  expect(breaches.slice(0, 20)).toEqual([]);
  expect([...replicas, ...Object.values(agents)].flatMap(({ faults }) => faults)).toEqual([]);

  const at = (site: string) => judged.filter(({ account }) => account.listener.site === site);
  const came = (site: string, from: number, to: number) =>
    at(site).filter(({ account }) => account.begunAt > from && account.begunAt < to).length;
  expect(came('south', cutAt, cutAt + shortCutMs)).toBeGreaterThan(0);
  expect(came('west', lostAt, backAt)).toBeGreaterThan(0);
  expect(states.south).toEqual(['ready', 'disconnected', 'ready']);
  expect(states.west).toEqual(['ready', 'disconnected', 'lost', 'ready']);
  expect(at('south').map(reasonOf)).not.toContain('node_lost');
  for (const one of at('west').filter(({ account }) => account.stays)) {
    expect([reasonOf(one), one.account.error]).toEqual(['node_lost', 'ECONNRESET']);
  }
  // Until another worker is there in the place of the killed one.
  expect(clients.refusals.filter(({ site }) => site !== 'north')).toEqual([]);
  const crashed = at('north').filter((one) => reasonOf(one) === 'worker_crashed');
  expect(crashed.filter(({ account }) => account.stays)).toHaveLength(projects.length);
}, 600_000);

const reasonOf = ({ record }: Judged): string => record.closeReason;

/** Those that stay: beside each node, far away where that leads to the node, and behind the NAT. */
async function comeAll({ ground, listeners }: Scene, clients: SceneClients): Promise<void> {
  const { sites, far } = ground;
  for (const listener of listeners) {
    await clients.stay(sites[listener.site].near, listener, 'near');
    if (listener.site !== 'north') await clients.stay(far, listener, 'far');
    if (listener.site === 'south') await clients.stay(sites.north.node, listener, 'behind_nat');
  }
}

async function hasEchoed(accounts: readonly Account[]): Promise<void> {
  const isEchoed = () => accounts.every(({ echoedBytes }) => echoedBytes > 0);
  await waitFor('every client to be echoed', isEchoed, patientMs);
}

/** Who is behind the NAT is on record as the kernel of the listener's host has it, and not as it has itself. */
async function seeThroughNat({ ground, projects }: Scene, stayers: readonly Account[]) {
  const { natIp } = ground;
  for (const account of natIp === null ? [] : stayers) {
    if (account.place !== 'behind_nat') continue;
    const { listener, local, remote } = account;
    const api = projects.find(({ name }) => name === listener.project)?.apis[0];
    if (api === undefined) throw new TypeError('a project has its replicas');
    const path = `/v1/connections?listener=${listener.id}&state=open`;
    const record = await waitFor('it to be on record', async () =>
      (await all(api, path, 'connections')).find(({ raddr }) => raddr.ip === natIp),
    );
    const { raddr } = record;
    expect(await kernelSocket(record)).toMatchObject({
      ...{ state: 'ESTABLISHED', local: `${remote.ip}:${remote.port}` },
      remote: `${raddr.ip}:${raddr.port}`,
    });
    expect(local.ip).not.toBe(natIp);
    account.seenAs = raddr;
  }
}

/** South and west are cut, and south is back. Resolves with when the cut was. */
async function playTroubles({ ground, replicas, agents, projects }: Scene): Promise<number> {
  const { south, west } = ground.sites;
  const cutAt = Date.now();
  for (const site of [south, west]) site.cut();
  await until(cutAt, killReplicaAtMs);
  replicas[0].crash();
  await until(cutAt, killWorkerAtMs);
  await replicas[0].ready();
  const [worker = 0] = agents.north.workers();
  agents.north.killWorker(worker);
  await until(cutAt, shortCutMs);
  south.restore();
  await untilNode(replicas[1], 'south', 'ready');
  expect(projects).toHaveLength(2);
  return cutAt;
}

/** What is played has its times. */
async function until(from: number, afterMs: number): Promise<void> {
  await passed(Math.max(0, from + afterMs - Date.now()));
}

/** Nothing is open any more, on record, and every stream is at the head. */
async function settle({ replicas, projects }: Scene): Promise<void> {
  for (const name of siteNames) await untilNode(replicas[0], name, 'ready');
  for (const { apis, readers } of projects) {
    for (const api of apis) {
      const isClosed = async () => {
        const open = await all(api, '/v1/connections?state=open', 'connections');
        return open.length === 0;
      };
      await waitFor('every connection to be closed', isClosed, patientMs);
      const isRead = async () => {
        const { headSeq } = await want(200, api, 'GET', '/v1/status');
        return readers.every(({ seq }) => seq === headSeq);
      };
      await waitFor('every stream to be at the head', isRead, patientMs);
    }
  }
}
