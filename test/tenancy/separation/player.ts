/** A project with something of everything, and what it sees of itself. */
import { randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { joinedNode } from '../../support/joined-node.ts';
import { type Reply, want } from '../../support/rest-client.ts';
import { ndjson } from '../../support/rest-stream.ts';
import { openClient } from '../../support/tcp-client.ts';
import type { SharedApp } from '../../support/test-app.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { Things } from './asks.ts';

type Headers = Readonly<Record<string, string>>;
type Shown = Reply['body'];
export type View = Readonly<Record<string, Shown>>;

/** All of one length, so that answers about them differ in nothing else. */
const word = () => randomBytes(4).toString('hex');
/** Where the clients of players come from, and nobody. */
const [playersNet, nobodysNet] = ['127.77.', '127.78.'];

/** Keys by what they allow: all that a key of a project can, and parts of it. */
const scopeSets = [
  ['read', 'write', 'keys:read', 'keys:write', 'audit:read'],
  ['read'],
  ['write'],
  ['keys:read', 'keys:write'],
] as const;

const clientsPerPlayer = 2;
let players = 0;

export class Player implements AsyncDisposable {
  readonly #app: SharedApp;
  readonly #operator: Headers;
  readonly #resources: AsyncDisposableStack;
  /** The paths of what it began with. */
  readonly #first = new Set<string>();
  readonly things: Things;
  /** Of each set of scopes. */
  readonly secrets: readonly string[];
  /** All that its followers were shown. */
  readonly followed: string[];

  private constructor(
    app: SharedApp,
    operator: Headers,
    parts: Pick<Player, 'things' | 'secrets' | 'followed'>,
    resources: AsyncDisposableStack,
  ) {
    this.#app = app;
    this.#operator = operator;
    this.things = parts.things;
    this.secrets = parts.secrets;
    this.followed = parts.followed;
    this.#resources = resources;
  }

  static async begin(app: SharedApp, token: string): Promise<Player> {
    await using resources = new AsyncDisposableStack();
    const project = `p-${word()}`;
    const root = { authorization: `Bearer ${token}` };
    const operator = { ...root, 'kodama-project': project };
    await want(201, app, 'POST', '/v1/projects', { name: project }, root);
    resources.defer(async () => {
      await want(202, app, 'DELETE', `/v1/projects/${project}`, undefined, root);
    });
    const secrets: string[] = [];
    for (const scopes of scopeSets) {
      const body = { name: `k-${word()}`, scopes };
      secrets.push((await want(201, app, 'POST', '/v1/keys', body, operator)).secret);
    }
    const followed: string[] = [];
    follow(app, operator, followed, resources);
    const things = await makeThings(
      app,
      { project, operator, secret: secrets[0] ?? '' },
      resources,
    );
    const all = resources.move();
    const player = new Player(app, operator, { things, secrets, followed }, all);
    for (const path of await player.#paths()) player.#first.add(path);
    return player;
  }

  /** All that is its own, without what its own reads and the time change. */
  async view(): Promise<View> {
    const paths = {
      listeners: '/v1/listeners?pageSize=1000',
      closed: '/v1/listeners?state=closed&pageSize=1000',
      connections: '/v1/connections?pageSize=1000',
      events: '/v1/events?afterSeq=0&pageSize=1000',
      keys: '/v1/keys?pageSize=1000',
      // What was refused is written a little later.
      audit: '/v1/audit?outcome=ok&pageSize=1000',
      // Those that all projects see are none of its own.
      nodes: '/v1/nodes?state=pending&pageSize=1000',
      joinTokens: '/v1/join-tokens?pageSize=1000',
      quotas: '/v1/quotas',
    };
    const shown = await Promise.all(
      Object.entries(paths).map(async ([name, path]) => {
        const body = await want(200, this.#app, 'GET', path, undefined, this.#operator);
        expect(body).not.toHaveProperty('nextPageToken');
        return [name, withoutPassing(body)] as const;
      }),
    );
    const view = Object.fromEntries(shown);
    const seqs = view.events.events.map(({ seq }: Shown) => seq);
    expect(seqs).toEqual(seqs.map((_: number, index: number) => index + 1));
    return view;
  }

  /** What would tell others of it: ids, names, addresses, hints and secrets. */
  marks({ quotas: _, ...view }: View): Set<string> {
    const marks = new Set<string>([...this.secrets, this.things.project, this.things.log]);
    gather(view, marks);
    return marks;
  }

  /** Ends what it has made beside what it began with: its names are free again. */
  async tidy(): Promise<void> {
    for (const path of await this.#paths()) {
      if (this.#first.has(path)) continue;
      await want(204, this.#app, 'DELETE', path, undefined, this.#operator);
    }
  }

  /** Of its listeners, keys and join tokens. */
  async #paths(): Promise<readonly string[]> {
    const { listeners, keys, joinTokens } = await this.view();
    return [
      ...listeners.listeners.map(({ id }: Shown) => `/v1/listeners/${id}`),
      ...keys.keys.map(({ id }: Shown) => `/v1/keys/${id}`),
      ...joinTokens.joinTokens.map(({ id }: Shown) => `/v1/join-tokens/${id}`),
    ];
  }

  /** Resolves when its followers have seen all of its log. */
  async caughtUp(): Promise<void> {
    const { events } = (await this.view()).events;
    const last = `"seq":${events.length},"event"`;
    await waitFor('the followers', () => this.followed.some((line) => line.includes(last)));
    const seqs = this.followed.flatMap((line) => JSON.parse(line).event?.seq ?? []);
    expect(seqs).toEqual(events.map(({ seq }: Shown) => seq));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

function follow(
  app: SharedApp,
  headers: Headers,
  followed: string[],
  resources: AsyncDisposableStack,
): void {
  const stop = new AbortController();
  const reading = (async () => {
    const url = `${app.url}/v1/events?afterSeq=0`;
    for await (const item of ndjson(url, { headers, signal: stop.signal })) {
      followed.push(JSON.stringify(item));
    }
  })().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  resources.defer(async () => {
    stop.abort();
    await reading;
  });
}

interface Maker {
  readonly project: string;
  readonly operator: Headers;
  readonly secret: string;
}

async function makeThings(
  app: SharedApp,
  { project, operator, secret }: Maker,
  resources: AsyncDisposableStack,
): Promise<Things> {
  players += 1;
  const raddr = `${playersNet}${players >> 8}.${players & 255}`;
  const [label, fault, listenerName, keyName] = ['l-', 'f-', 'n-', 'k-'].map((a) => a + word());
  const own = { authorization: `Bearer ${secret}`, 'idempotency-key': `i-${word()}` };
  const faults = [{ name: fault, type: 'latency', delayMs: 1 }];
  const spec = { name: listenerName, labels: { team: label }, faults };
  const listener = await want(201, app, 'POST', '/v1/listeners', spec, own);
  await want(201, app, 'POST', '/v1/listeners', { labels: { team: label } }, operator);
  const spare = { name: keyName, scopes: ['read'] };
  const key = await want(201, app, 'POST', '/v1/keys', spare, own);
  const joinToken = await want(201, app, 'POST', '/v1/join-tokens', {}, operator);
  const labels = { team: label };
  const spent = await want(201, app, 'POST', '/v1/join-tokens', { labels }, own);
  const node = await joinedNode(app.databaseUrl, spent.secret, `d-${word()}`);
  // Silent ones: nothing about them changes by itself.
  for (let n = 0; n < clientsPerPlayer; n += 1) {
    resources.use(await openClient(listener.laddr.port, { localAddress: raddr }));
  }
  const connections = await waitFor('the connections on record', async () => {
    const path = `/v1/connections?raddr=${raddr}`;
    const body = await want(200, app, 'GET', path, undefined, operator);
    return body.connections.length === clientsPerPlayer ? body.connections : null;
  });
  const token = async (path: string) =>
    (await want(200, app, 'GET', `${path}?pageSize=1`, undefined, operator)).nextPageToken;
  const { headSeq, log } = await want(200, app, 'GET', '/v1/status', undefined, operator);
  return {
    ...{ project, listener: listener.id, listenerName: spec.name ?? '', label: label ?? '' },
    ...{ fault: fault ?? '', port: listener.laddr.port, connection: connections[0].id, raddr },
    ...{ key: key.id, keyName: spare.name ?? '', log, headSeq },
    idempotencyKey: own['idempotency-key'],
    listenersToken: await token('/v1/listeners'),
    connectionsToken: await token('/v1/connections'),
    eventsToken: await token('/v1/events'),
    keysToken: await token('/v1/keys'),
    ...{ node: node.nodeId, nodeName: node.name, joinToken: joinToken.id },
    nodesToken: await token('/v1/nodes'),
    joinTokensToken: await token('/v1/join-tokens'),
  };
}

/** Of nobody, and like what somebody has; `port` is that of a program that is no kodama. */
export function neverThings(like: Things, port: number): Things {
  return {
    ...{ project: `p-${word()}`, listener: randomUUID(), listenerName: `n-${word()}` },
    ...{ label: `l-${word()}`, fault: `f-${word()}`, port, connection: randomUUID() },
    ...{ raddr: like.raddr.replace(playersNet, nobodysNet), key: randomUUID() },
    ...{ keyName: `k-${word()}`, log: randomUUID(), headSeq: like.headSeq },
    idempotencyKey: `i-${word()}`,
    listenersToken: otherToken(like.listenersToken),
    connectionsToken: otherToken(like.connectionsToken),
    eventsToken: otherToken(like.eventsToken),
    keysToken: otherToken(like.keysToken),
    ...{ node: randomUUID(), nodeName: `d-${word()}`, joinToken: randomUUID() },
    nodesToken: otherToken(like.nodesToken),
    joinTokensToken: otherToken(like.joinTokensToken),
  };
}

/** Of a list that nobody has asked for. */
function otherToken(token: string): string {
  const [, key = ''] = /^.{12}:(.*)$/.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  return Buffer.from(`${randomBytes(6).toString('hex')}:${key}`).toString('base64url');
}

const passing = new Set(['lastUsedAt', 'lastUsedIp']);

function withoutPassing(body: Shown): Shown {
  return JSON.parse(JSON.stringify(body, (name, value) => (passing.has(name) ? null : value)));
}

const marking = new Set([
  'id',
  'listenerId',
  'connectionId',
  'name',
  'listenerName',
  'hint',
  'log',
]);

function gather(value: Shown, marks: Set<string>, name = ''): void {
  if (Array.isArray(value)) for (const one of value) gather(one, marks);
  else if (name === 'raddr') marks.add(value?.ip);
  else if (name === 'labels') for (const one of Object.values(value)) marks.add(String(one));
  else if (typeof value === 'object' && value !== null) {
    for (const [field, one] of Object.entries(value)) gather(one, marks, field);
  } else if (typeof value === 'string' && marking.has(name)) marks.add(value);
}
