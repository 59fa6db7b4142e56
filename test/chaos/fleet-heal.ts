/** Everything that should be up is up, on both replicas, and nothing is open any more. */
import { call, type RestApi } from '../support/rest-client.ts';
import { waitFor } from '../support/wait-for.ts';
import type { AgentProcess } from './agent-process.ts';
import type { Fleet } from './fleet.ts';
import type { PlacedListener } from './fleet-churn.ts';
import type { FleetProject } from './fleet-project.ts';

/** What a session that has just begun finds listening is on record within that. */
const quietMs = 1000;
/** An agent that has failed several times waits for up to half a minute before it dials again. */
const healTimeoutMs = 120_000;

export async function isNode(api: RestApi, name: string, state: string): Promise<boolean> {
  try {
    const { status, body } = await call(api, 'GET', `/v1/nodes/${name}`);
    return status === 200 && body.state === state;
  } catch {
    // It is being started again.
    return false;
  }
}

export async function healFleet(fleet: Fleet): Promise<void> {
  const { replicas, agents, projects } = fleet;
  for (const replica of replicas) await replica.ready();
  for (const { name } of agents) {
    for (const replica of replicas) {
      await waitFor(`${name} to be ready`, () => isNode(replica, name, 'ready'), healTimeoutMs);
    }
  }
  // A node is ready while it dials, too.
  await waitFor(
    'a session of each node',
    async () => {
      const counts = await Promise.all(replicas.map(sessionsOf));
      return counts.reduce((sum, count) => sum + count, 0) === agents.length;
    },
    healTimeoutMs,
  );
  for (const project of projects) await healProject(project, agents);
  for (const project of projects) await untilQuiet(project);
}

async function sessionsOf({ url }: RestApi): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^kodama_sessions (\d+)$/m.exec(text)?.[1]);
}

/** Whoever judges reads one thing after the other. */
async function untilQuiet({ name, apis }: FleetProject): Promise<void> {
  let seen = { heads: '', since: performance.now() };
  await waitFor(
    `the log of ${name} to be quiet`,
    async () => {
      const answers = await Promise.all(apis.map((api) => call(api, 'GET', '/v1/status')));
      const heads = answers.map(({ body }) => body.headSeq).join(' ');
      if (heads !== seen.heads) seen = { heads, since: performance.now() };
      return performance.now() - seen.since > quietMs;
    },
    healTimeoutMs,
  );
}

async function healProject(
  { name, apis, listeners, readers }: FleetProject,
  agents: readonly AgentProcess[],
): Promise<void> {
  const settled = (what: string, condition: (api: RestApi) => Promise<boolean>) =>
    waitFor(
      what,
      async () => (await Promise.all(apis.map(condition))).every(Boolean),
      healTimeoutMs,
    );
  for (const one of listeners.confirmed.values()) {
    await settled(`listener ${one.id} to listen`, (api) => isListening(api, one, agents));
  }
  for (const one of listeners.deleted.values()) {
    await settled(`listener ${one.id} to be gone`, (api) => isGone(api, one));
  }
  for (const one of listeners.doubtful.values()) {
    await settled(
      `listener ${one.id} to be either there or gone`,
      async (api) => (await isListening(api, one, agents)) || (await isGone(api, one)),
    );
  }
  await settled(`every connection of ${name} to be closed`, async (api) => {
    const open = await call(api, 'GET', '/v1/connections?state=open');
    const half = await call(api, 'GET', '/v1/connections?state=half_closed');
    if (open.status !== 200 || half.status !== 200) return false;
    return open.body.connections.length + half.body.connections.length === 0;
  });
  await settled(`the streams of ${name} to be at the head`, async (api) => {
    const { status, body } = await call(api, 'GET', '/v1/status');
    return status === 200 && readers.every(({ seq }) => seq === body.headSeq);
  });
}

/** On the worker that its agent has now. */
async function isListening(
  api: RestApi,
  { id, node }: PlacedListener,
  agents: readonly AgentProcess[],
): Promise<boolean> {
  const { status, body } = await call(api, 'GET', `/v1/listeners/${id}`);
  if (status !== 200 || body.state !== 'listening') return false;
  const workers = agents.find(({ name }) => name === node)?.workers() ?? [];
  const pids: number[] = body.sockets.map(({ pid }: { pid: number }) => pid);
  return pids.length === workers.length && pids.every((pid) => workers.includes(pid));
}

async function isGone(api: RestApi, { id }: PlacedListener): Promise<boolean> {
  const { status, body } = await call(api, 'GET', `/v1/listeners/${id}`);
  return status === 200 && body.state === 'closed';
}
