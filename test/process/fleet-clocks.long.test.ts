/** A fleet whose hosts are wrong about the time of day by a day, either way: nobody's record shows it. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KodamaProcess } from '../chaos/kodama-process.ts';
import { LastingProcess } from '../chaos/lasting-process.ts';
import { freePort } from '../support/free-port.ts';
import { all, call, want } from '../support/rest-client.ts';
import { openClient } from '../support/tcp-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { makeDatabase } from '../support/test-database.ts';
import { passed, waitFor } from '../support/wait-for.ts';
import { isByLibrary, wrongClock } from '../support/wrong-clock.ts';

const dayMs = 86_400_000;
/** What a slow machine takes for a message, and far less than a day. */
const slackMs = 10_000;
/** As short as it may be; and how long the fleet is looked at. */
const lostAfterMs = 30_000;
const watchedMs = 45_000;
const patientMs = 120_000;
const agentFile = join(import.meta.dirname, '../../src/agent/main.ts');
const wrongBy = { east: dayMs, west: -dayMs } as const;
const nodeNames = ['east', 'west'] as const;
type NodeName = (typeof nodeNames)[number];

class WrongAgent extends LastingProcess {
  constructor(
    name: NodeName,
    gatewayPorts: readonly number[],
    environment: Readonly<Record<string, string>>,
  ) {
    const joins = gatewayPorts.flatMap((port) => ['--join', `http://127.0.0.1:${port}`]);
    const wrong = wrongClock(wrongBy[name]);
    super({
      what: 'agent',
      words: [...wrong.nodeOptions, agentFile, ...joins, '--name', name],
      expectedErrors: new Set(),
      environment: { ...wrong.environment, ...environment, KODAMA_WORKERS: '1' },
    });
    this.live();
  }
}

/** The replicas are wrong by a day, too, one either way. */
async function startFleet() {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(await temporaryFolder());
  const database = resources.use(await makeDatabase());
  const gatewayPorts = [await freePort(), await freePort()];
  const replicas: KodamaProcess[] = [];
  for (const [at, port] of gatewayPorts.entries()) {
    const wrong = wrongClock(at === 0 ? dayMs : -dayMs);
    const dataDir = join(folder.path, `replica-${at}`);
    const replica = new KodamaProcess({
      ...{ dataDir, cluster: dataDir, isEmbedded: false, nodeOptions: wrong.nodeOptions },
      ports: { http: await freePort(), grpc: await freePort() },
      environment: {
        ...wrong.environment,
        DATABASE_URL: database.url,
        KODAMA_WORKERS: '0',
        KODAMA_GATEWAY_HOST: '127.0.0.1',
        KODAMA_GATEWAY_PORT: String(port),
      },
    });
    resources.defer(() => replica.kill());
    replicas.push(replica);
  }
  await Promise.all(replicas.map((one) => one.begin()));
  const [first] = replicas;
  if (first === undefined) throw new TypeError('there are two');
  const { secret } = await want(201, first, 'POST', '/v1/join-tokens', { uses: 2 });
  const agents = nodeNames.map((name) => {
    const environment = {
      KODAMA_DATA_DIR: join(folder.path, name),
      KODAMA_JOIN_TOKEN: secret,
    };
    const agent = new WrongAgent(name, gatewayPorts, environment);
    resources.defer(() => agent.kill());
    return agent;
  });
  const made = resources.move();
  return { replicas, agents, first, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

/** One on each node by each replica, where somebody is echoed; and the times between which that was. */
async function talkAtAll(replicas: readonly KodamaProcess[]) {
  const begunAt = Date.now();
  const ids: string[] = [];
  for (const replica of replicas) {
    for (const node of nodeNames) {
      const asked = { placement: { node }, ttlMs: dayMs / 2 };
      const { id, laddr, expiresAt } = await want(201, replica, 'POST', '/v1/listeners', asked);
      expect(Math.abs(Date.parse(expiresAt) - Date.now() - dayMs / 2)).toBeLessThan(slackMs);
      await using client = await openClient(laddr.port);
      await client.echo('hello');
      ids.push(id);
    }
  }
  return { ids, begunAt };
}

const idTime = (id: string) => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
const timeFields = ['time', 'createdAt', 'updatedAt', 'acceptedAt', 'firstByteAt', 'closedAt'];

/** Of all that is in it, except what is not yet: when it expires. */
function timesIn(value: unknown): number[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    timeFields.includes(name) && typeof inner === 'string' ? [Date.parse(inner)] : timesIn(inner),
  );
}

test('hosts that are wrong by a day leave no trace on record, and nobody is lost', async () => {
  if (!isByLibrary(wrongClock(0))) {
    process.stderr.write('No libfaketime here: the clocks are wrong by another Date alone.\n');
  }
  const startedAt = Date.now();
  await using fleet = await startFleet();
  const { replicas, agents, first } = fleet;
  const nodes = async (): Promise<{ name: NodeName; state: string; clockOffsetMs: number }[]> =>
    (await want(200, first, 'GET', '/v1/nodes')).nodes.filter(
      ({ isBuiltIn }: { isBuiltIn: boolean }) => !isBuiltIn,
    );
  const areReady = async () => {
    const seen = await nodes();
    return seen.length === 2 && seen.every(({ state }) => state === 'ready');
  };
  await waitFor('both nodes', areReady, patientMs);
  for (const name of nodeNames) {
    await want(200, first, 'PATCH', `/v1/nodes/${name}`, { lostAfterMs });
  }
  const early = await talkAtAll(replicas);
  const seen = new Set<string>();
  const watchedUntil = Date.now() + watchedMs;
  while (Date.now() < watchedUntil) {
    for (const { state } of await nodes()) seen.add(state);
    await passed(500);
  }
  expect([...seen]).toEqual(['ready']);
  const isTold = async () => {
    const told = await nodes();
    return told.every(
      ({ name, clockOffsetMs }) => Math.abs(clockOffsetMs - wrongBy[name]) < slackMs,
    );
  };
  await waitFor('each node to tell how wrong it is', isTold, patientMs);
  const late = await talkAtAll(replicas);
  const isClosed = async () =>
    (await all(first, '/v1/connections?state=closed', 'connections')).length === 8;
  await waitFor('every connection to be closed', isClosed, patientMs);

  for (const replica of replicas) {
    const events = await all(replica, '/v1/events?afterSeq=0', 'events');
    const listeners = await all(replica, '/v1/listeners', 'listeners');
    const connections = await all(replica, '/v1/connections', 'connections');
    const { entries } = await want(200, replica, 'GET', '/v1/audit');
    expect(listeners).toHaveLength(8);
    const [least, most] = [startedAt - slackMs, Date.now() + slackMs];
    const times = [events, listeners, connections, entries].map(timesIn);
    for (const some of times) expect(some.length).toBeGreaterThan(0);
    expect(times.flat().filter((time) => time < least || time > most)).toEqual([]);
    const made = [...connections, ...listeners, ...entries].map(({ id }) => idTime(id));
    expect(made.filter((time) => time < least || time > most)).toEqual([]);
    const open = listeners.filter(({ state }) => state !== 'listening');
    expect(open).toEqual([]);
  }
  expect(
    early.ids
      .toSorted()
      .at(-1)
      ?.localeCompare(late.ids.toSorted()[0] ?? ''),
  ).toBe(-1);
  expect([...replicas, ...agents].flatMap(({ faults }) => faults)).toEqual([]);
  expect((await call(first, 'GET', '/readyz')).status).toBe(200);
}, 400_000);
