/** What every DataPlane keeps: the suite that the fake and the real one both pass. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  Binding,
  Bound,
  DataPlane,
  DataPlaneEvents,
  ListenerEnd,
  WorkerStatus,
} from '../../src/core/ports.ts';
import { defaultProject, projectRef } from '../../src/core/project.ts';
import { freePort } from './free-port.ts';
import { long } from './long.ts';
import { rejection, sampleId, sampleLimits, sampleNewListener } from './samples.ts';
import { ToldEvents } from './told-events.ts';
import { waitFor } from './wait-for.ts';

export interface DataPlaneClient extends AsyncDisposable {
  /** Resolves when the connection is over, however it ended. */
  readonly ended: Promise<void>;
  /** Sends the text; resolves with what comes back of it. */
  echo(text: string): Promise<string>;
  /** Sends FIN. */
  end(): void;
}

/** A data plane of one worker, and what is on its other side. */
export interface DataPlaneGround extends AsyncDisposable {
  readonly plane: DataPlane;
  /** Rejects with ECONNREFUSED where nobody listens. */
  connect(port: number): Promise<DataPlaneClient>;
  /** Ends the worker, which has a successor. */
  loseWorker(): void;
  /** False of a plane that is one worker itself, and tells of those within by the ends of their connections. */
  readonly isLossTold: boolean;
  /** Resolves when the status is as of now, or later. */
  settled(): Promise<void>;
}

export type MakeDataPlane = (events: DataPlaneEvents) => Promise<DataPlaneGround>;

const longMs = 60_000;
const hasNone = { workerId: 'no worker', connectionId: sampleId(0) };

let lastListener = 0;

export function bindingOf(given: Partial<Binding> = {}): Binding {
  const { name: _name, labels: _labels, expiresAt: _expiresAt, ...spec } = sampleNewListener();
  lastListener += 1;
  const own = { tls: null, tlsKey: null, project: defaultProject };
  return { ...spec, ...own, listenerId: sampleId(lastListener), ...given };
}

/** The data plane of the suite, and what it told. */
class World implements AsyncDisposable {
  readonly told = new ToldEvents();
  readonly ground: DataPlaneGround;

  private constructor(ground: DataPlaneGround, told: ToldEvents) {
    this.ground = ground;
    this.told = told;
  }

  static async start(make: MakeDataPlane): Promise<World> {
    const told = new ToldEvents();
    return new World(await make(told), told);
  }

  get plane(): DataPlane {
    return this.ground.plane;
  }

  get worker(): WorkerStatus | undefined {
    return this.plane.status()[0];
  }

  async settledWorker(): Promise<WorkerStatus> {
    await this.ground.settled();
    const { worker } = this;
    if (worker === undefined) throw new TypeError('there is a worker');
    return worker;
  }

  /** What is told of the worker may be a moment old. */
  async status(expected: Partial<WorkerStatus>): Promise<void> {
    const fields = Object.keys(expected) as (keyof WorkerStatus)[];
    const isAsExpected = () => fields.every((name) => this.worker?.[name] === expected[name]);
    await waitFor(`the status ${JSON.stringify(expected)}`, isAsExpected);
  }

  /** Resolves once the loss is known. */
  async loseWorker(): Promise<void> {
    const { restarts = 0 } = this.worker ?? {};
    const lostBefore = this.told.lost.length;
    this.ground.loseWorker();
    if (this.ground.isLossTold) {
      await waitFor('the loss', () => this.told.lost.length > lostBefore);
    } else await this.status({ restarts: restarts + 1 });
  }

  /** A listener that echoes, by its first wish, on a port that is its own while no worker has it. */
  async listen(given: Partial<Binding> = {}): Promise<Bound & { id: string; port: number }> {
    const binding = bindingOf({ port: await freePort(), ...given });
    const listening = await this.plane.open(binding);
    await this.plane.wish({ generation: 1, binding });
    return { ...listening, id: binding.listenerId, port: listening.laddr.port };
  }

  /** Ends its wish; resolves when it is observed as gone. */
  async end(id: string, given: Partial<ListenerEnd> = {}): Promise<void> {
    const count = this.#goneOf(id);
    this.plane.endWish({ listenerId: id, generation: 2, drainMs: 0, ...given });
    await waitFor('its end', () => this.#goneOf(id) > count);
  }

  #goneOf(id: string): number {
    return this.told.observedOf(id).filter(({ state }) => state === 'gone').length;
  }

  /** A client that is let in: something of it was echoed, and it is on record, which may come later. */
  async letIn(port: number): Promise<DataPlaneClient> {
    const before = this.told.openedOn(port);
    const client = await this.ground.connect(port);
    expect(await client.echo('hello')).toBe('hello');
    await waitFor('its record', () => this.told.openedOn(port) > before);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ground[Symbol.asyncDispose]();
  }
}

export function dataPlaneContract(name: string, make: MakeDataPlane): void {
  describe(name, () => {
    let world: World;
    beforeAll(async () => {
      world = await World.start(make);
    });
    afterAll(() => world[Symbol.asyncDispose]());
    describe('a hold', () => holdContract(() => world));
    describe('a wish', () => wishContract(() => world));
    describe('another generation', () => generationContract(() => world));
    describe('a wish that can not be met', () => failureContract(() => world));
    describe('the end of a wish', () => endContract(() => world));
    describe('the limits of a project', () => projectContract(() => world));
    describe('closing a connection', () => connectionContract(() => world));
    describe('a worker that is lost', () => lossContract(() => world));
  });
}

/** Waits until a client was turned away for the project's sake. */
async function refused(world: World, { id, port }: { id: string; port: number }): Promise<void> {
  const refusals = () =>
    world.told
      .of(id)
      .filter((step) => step.kind === 'refused' && step.refusal.rule === 'project_quota').length;
  const before = refusals();
  const client = await waitFor('its bind', () => world.ground.connect(port).catch(() => null));
  await client.ended;
  await waitFor('the refusal', () => refusals() > before);
}

/** Null for a client that is turned away: what lets it in may be on its way still. */
async function ifLetIn({ ground }: World, port: number): Promise<DataPlaneClient | null> {
  const client = await ground.connect(port).catch(() => null);
  const echoed = client?.echo('hello').catch(() => null);
  const answer = await Promise.race([echoed, client?.ended.then(() => null)]);
  return answer === 'hello' ? client : null;
}

function projectContract(worldOf: () => World): void {
  const limits = { maxConnections: 2, maxConnectionsPerSource: null, acceptRate: null };

  test(
    'they hold for all its listeners together, over lost workers, until they change',
    long,
    async () => {
      const world = worldOf();
      const { plane } = world;
      const project = projectRef(77);
      plane.limitProject(project, limits);
      const [one, two] = [await world.listen({ project }), await world.listen({ project })];
      const beside = await world.listen();
      const clients = [await world.letIn(one.port), await world.letIn(two.port)];
      await refused(world, two);
      await world.letIn(beside.port);
      plane.limitProject(project, { ...limits, maxConnections: 3 });
      clients.push(await waitFor('room', () => ifLetIn(world, one.port)));
      // What is open stays.
      plane.limitProject(project, { ...limits, maxConnections: 1 });
      for (const client of clients) expect(await client.echo('again')).toBe('again');
      await world.loseWorker();
      const connect = () => world.ground.connect(one.port).catch(() => null);
      const successor = await waitFor('its successor', connect);
      expect(await successor.echo('hello')).toBe('hello');
      await refused(world, two);
      for (const { id } of [one, two, beside]) await world.end(id);
      plane.limitProject(project, null);
    },
  );
}

function holdContract(worldOf: () => World): void {
  test('an open tells the address that was bound, and the worker’s sockets', async () => {
    const world = worldOf();
    const binding = bindingOf();
    const { laddr, sockets } = await world.plane.open(binding);
    expect(laddr).toEqual({ ip: '127.0.0.1', port: expect.any(Number) });
    expect(laddr.port).toBeGreaterThan(0);
    expect(sockets).toEqual([{ pid: world.worker?.pid, fd: expect.any(Number) }]);
    await world.plane.release(binding.listenerId);
  });

  test('who comes before the wish waits for it, and is then echoed', async () => {
    const world = worldOf();
    const binding = bindingOf();
    const { laddr } = await world.plane.open(binding);
    await using client = await world.ground.connect(laddr.port);
    const echoed = client.echo('early');
    // The worker has turned meanwhile: another is echoed.
    const other = await world.listen();
    await using _other = await world.letIn(other.port);
    expect(world.told.of(binding.listenerId)).toEqual([]);
    await world.plane.wish({ generation: 1, binding });
    expect(await echoed).toBe('early');
    await waitFor('its record', () => world.told.of(binding.listenerId).length > 0);
    expect(world.told.of(binding.listenerId)).toMatchObject([{ kind: 'opened' }]);
  });

  test('a port in use is refused with its kind of owner, and whoever has it keeps it', async () => {
    const { plane, status, ...world } = handsOf(worldOf());
    const { port } = await world.listen();
    const second = bindingOf({ port });
    await expect(plane.open(second)).rejects.toMatchObject({
      code: 'port_in_use',
      details: { owner: 'foreign' },
    });
    await using _client = await world.letIn(port);
    const { listeners } = await world.settledWorker();
    // What failed to open left nothing: its id can be opened elsewhere.
    await plane.open({ ...second, port: 0 });
    await status({ listeners: listeners + 1 });
  });

  test('to open what is open is a bug of whoever asks', async () => {
    const { plane, ...world } = handsOf(worldOf());
    const { id, port } = await world.listen();
    expect(await rejection(plane.open(bindingOf({ listenerId: id })))).toBeInstanceOf(TypeError);
    await using _client = await world.letIn(port);
  });

  test('what is released is free, and nothing was observed of it', async () => {
    const { plane, told, ground } = worldOf();
    const binding = bindingOf();
    const { laddr } = await plane.open(binding);
    await plane.release(binding.listenerId);
    await expect(ground.connect(laddr.port)).rejects.toThrow('ECONNREFUSED');
    await plane.release(binding.listenerId);
    expect(told.observedOf(binding.listenerId)).toEqual([]);
    expect((await plane.open({ ...binding, port: laddr.port })).laddr).toEqual(laddr);
    await plane.release(binding.listenerId);
  });

  test('the status counts listeners and open connections', async () => {
    const world = worldOf();
    const before = await world.settledWorker();
    const { listeners, openConnections } = before;
    const { id, port } = await world.listen();
    await using _client = await world.letIn(port);
    const more = { listeners: listeners + 1, openConnections: openConnections + 1 };
    await world.status({ ...before, ...more });
    await world.end(id);
    await world.status(before);
  });
}

function wishContract(worldOf: () => World): void {
  test('of what is held is observed by the time that it is served', async () => {
    const { told, ...world } = handsOf(worldOf());
    const { id, laddr, sockets } = await world.listen();
    const observed = { listenerId: id, generation: 1, state: 'bound', laddr, sockets };
    expect(told.observedOf(id)).toEqual([observed]);
  });

  test('of what is not open binds and serves it, and is observed once', async () => {
    const { plane, told, ...world } = handsOf(worldOf());
    const binding = bindingOf();
    const id = binding.listenerId;
    await plane.wish({ generation: 7, binding });
    const observed = told.observedOf(id)[0];
    const sockets = [{ pid: plane.status()[0]?.pid, fd: expect.any(Number) }];
    const laddr = { ip: '127.0.0.1', port: expect.any(Number) };
    expect(observed).toEqual({ listenerId: id, generation: 7, state: 'bound', laddr, sockets });
    const port = observed?.state === 'bound' ? observed.laddr.port : 0;
    await using _client = await world.letIn(port);
    await plane.wish({ generation: 7, binding });
    expect(told.observedOf(id)).toHaveLength(1);
  });
}

function generationContract(worldOf: () => World): void {
  const one = { ...sampleLimits, maxConnections: 1 };

  test('holds for who comes, and who is in stays; each is observed', async () => {
    const { plane, told, ...world } = handsOf(worldOf());
    const { id, port } = await world.listen();
    await using client = await world.letIn(port);
    const wish = (generation: number, limits = sampleLimits) =>
      plane.wish({ generation, binding: bindingOf({ listenerId: id, port, limits }) });
    await wish(2, one);
    // Its reset may come before it has seen that it was connected.
    const refused = await world.ground.connect(port).catch(() => null);
    await refused?.ended;
    await waitFor('the refusal', () => told.of(id).length === 2);
    const refusal = { rule: 'max_connections', count: 1 };
    expect(told.of(id)[1]).toMatchObject({ kind: 'refused', listenerId: id, refusal });
    expect(await client.echo('still')).toBe('still');
    await wish(4);
    await using _next = await world.letIn(port);
    const [first, ...others] = told.observedOf(id);
    expect(others).toEqual([2, 4].map((generation) => ({ ...first, generation })));
  });

  test('that is no higher than the last does nothing', async () => {
    const { plane, told, ...world } = handsOf(worldOf());
    const { id, port } = await world.listen();
    const binding = bindingOf({ listenerId: id, port });
    await plane.wish({ generation: 3, binding });
    for (const generation of [1, 2, 3]) {
      await plane.wish({ generation, binding: { ...binding, limits: one } });
    }
    await using _first = await world.letIn(port);
    await using _second = await world.letIn(port);
    expect(told.observedOf(id).map(({ generation }) => generation)).toEqual([1, 3]);
  });
}

function failureContract(worldOf: () => World): void {
  test('is observed with its reason, and tried again until it is met', async () => {
    const { plane, told, ground, ...world } = handsOf(worldOf());
    const { id: owner, port } = await world.listen();
    const binding = bindingOf({ port });
    const { listenerId } = binding;
    await plane.wish({ generation: 1, binding });
    const reason = { code: 'port_in_use', message: expect.any(String) };
    const failed = { listenerId, generation: 1, state: 'failed', reason };
    expect(told.observedOf(listenerId)).toEqual([failed]);
    // A generation is answered, whatever became of the one before.
    await plane.wish({ generation: 2, binding });
    expect(told.observedOf(listenerId)).toEqual([failed, { ...failed, generation: 2 }]);
    await world.end(owner);
    await waitFor('the bind', () => told.observedOf(listenerId).length === 3);
    const bound = { listenerId, generation: 2, state: 'bound', laddr: { port } };
    expect(told.observedOf(listenerId)[2]).toMatchObject(bound);
    await using _client = await world.letIn(port);
    await world.end(listenerId);
    await expect(ground.connect(port)).rejects.toThrow('ECONNREFUSED');
  });

  test('is not tried again once it has ended', async () => {
    const { plane, told, ground, ...world } = handsOf(worldOf());
    const { id: owner, port } = await world.listen();
    const wishes = [1, 2].map(() => bindingOf({ port }));
    for (const binding of wishes) await plane.wish({ generation: 1, binding });
    const [ended, kept] = wishes.map(({ listenerId }) => listenerId);
    if (ended === undefined || kept === undefined) throw new TypeError('there are two');
    await world.end(ended);
    await world.end(owner);
    await waitFor('the other', () => told.observedOf(kept).at(-1)?.state === 'bound');
    await world.end(kept);
    await expect(ground.connect(port)).rejects.toThrow('ECONNREFUSED');
    expect(told.observedOf(ended).map(({ state }) => state)).toEqual(['failed', 'gone']);
  });
}

function endContract(worldOf: () => World): void {
  test('its port is free, its clients are gone, and all is on record by then', async () => {
    const { told, ...world } = handsOf(worldOf());
    const { id, port } = await world.listen();
    const clients = await Promise.all([1, 2, 3].map(() => world.letIn(port)));
    await world.end(id, { generation: 5 });
    expect(told.of(id, { untilGone: true }).map(({ kind }) => kind)).toEqual([
      ...['opened', 'opened', 'opened'],
      ...['closed', 'closed', 'closed'],
    ]);
    expect(told.observedOf(id).at(-1)).toEqual({ listenerId: id, generation: 5, state: 'gone' });
    expect(told.of(id).slice(3)).toMatchObject(
      clients.map(() => ({
        connection: {
          closeInitiator: 'operator',
          closeReason: 'listener_deleted',
          bytesIn: 5,
        },
      })),
    );
    await Promise.all(clients.map(({ ended }) => ended));
    await expect(world.ground.connect(port)).rejects.toThrow('ECONNREFUSED');
    expect((await world.listen({ port, listenerId: id })).port).toBe(port);
  });

  test('of what nobody wished for is observed as well', async () => {
    const world = worldOf();
    const id = bindingOf().listenerId;
    await world.end(id);
    expect(world.told.observedOf(id)).toEqual([{ listenerId: id, generation: 2, state: 'gone' }]);
  });

  test('a drain lets who is in end, and nobody else in', async () => {
    const { told, ...world } = handsOf(worldOf());
    const { id, port } = await world.listen();
    await using client = await world.letIn(port);
    const ended = world.end(id, { drainMs: longMs });
    await waitFor('the port to be free', () => isRefused(world.ground, port));
    expect(await client.echo('still')).toBe('still');
    expect(told.observedOf(id).at(-1)?.state).toBe('bound');
    client.end();
    await ended;
    expect(told.of(id).at(-1)).toMatchObject({
      kind: 'closed',
      connection: { closeReason: 'peer_fin' },
    });
  });

  test('a drain whose time is over closes who is in', async () => {
    const { told, ...world } = handsOf(worldOf());
    const { id, port } = await world.listen();
    await using client = await world.letIn(port);
    await world.end(id, { drainMs: 20 });
    expect(told.of(id).at(-1)).toMatchObject({
      kind: 'closed',
      connection: { closeReason: 'listener_deleted' },
    });
    await client.ended;
  });

  test('a second end ends the drain of the first, and it is told once', async () => {
    const { plane, told, ...world } = handsOf(worldOf());
    const { id, port } = await world.listen();
    await using client = await world.letIn(port);
    for (const drainMs of [longMs, longMs / 2, longMs * 2]) {
      plane.endWish({ listenerId: id, generation: 2, drainMs });
    }
    await world.end(id);
    await client.ended;
    const { id: later } = await world.listen();
    await world.end(later);
    expect(told.observedOf(id).filter(({ state }) => state === 'gone')).toHaveLength(1);
  });
}

function connectionContract(worldOf: () => World): void {
  test.each([
    ['fin', 'operator_fin'],
    ['rst', 'operator_rst'],
  ] as const)('with %s it ends as %s, and no other does', async (mode, reason) => {
    const { plane, told, ...world } = handsOf(worldOf());
    const { id, port } = await world.listen();
    await using client = await world.letIn(port);
    const place = told.placeOf(id);
    await using other = await world.letIn(port);
    await plane.closeConnection(place, mode);
    client.end();
    await client.ended;
    await waitFor('its record', () => told.of(id).at(-1)?.kind === 'closed');
    const how = { closeInitiator: 'operator', closeReason: reason };
    const closed = { connection: { id: place.connectionId, ...how } };
    expect(told.of(id).filter(({ kind }) => kind === 'closed')).toMatchObject([closed]);
    expect(await other.echo('still')).toBe('still');
    // It is gone now: that is no error.
    await plane.closeConnection(place, mode);
    expect(told.of(id).filter(({ kind }) => kind === 'closed')).toHaveLength(1);
  });

  test('that a worker does not have, or of no worker, is no error', async () => {
    const { plane, told, ...world } = handsOf(worldOf());
    const { id, port } = await world.listen();
    await using client = await world.letIn(port);
    const { connectionId, workerId } = told.placeOf(id);
    await plane.closeConnection(hasNone, 'rst');
    await plane.closeConnection({ ...hasNone, workerId }, 'rst');
    // A worker is asked by its id, whoever else may have had the connection.
    await plane.closeConnection({ ...hasNone, connectionId }, 'rst');
    expect(await client.echo('still')).toBe('still');
  });
}

function lossContract(worldOf: () => World): void {
  test('its connections are over, and its successor has its listeners', async () => {
    const { plane, told, worker, status, ground, ...world } = handsOf(worldOf());
    const { id, port, laddr } = await world.listen();
    const unserved = bindingOf();
    const early = await plane.open(unserved);
    const client = await world.letIn(port);
    const { workerId, connectionId } = told.placeOf(id);
    const before = await world.settledWorker();

    if (ground.isLossTold) {
      // No time passes between the loss and this open: nobody can be up again.
      const openedThen = told.atLoss(() => rejection(plane.open(bindingOf())));
      ground.loseWorker();
      expect(await openedThen).toMatchObject({ code: 'unavailable' });
      expect(told.lost.at(-1)).toBe(workerId);
      await client.ended;
      expect(told.of(id).map(({ kind }) => kind)).toEqual(['opened']);
    } else {
      ground.loseWorker();
      await client.ended;
      await waitFor('its end', () => told.of(id).length === 2);
      const crashed = { closeInitiator: 'system', closeReason: 'worker_crashed' };
      expect(told.of(id)[1]).toMatchObject({ connection: { id: connectionId, ...crashed } });
      expect(told.lost).toEqual([]);
    }
    await plane.closeConnection({ workerId, connectionId }, 'rst');

    await waitFor('the successor', () => told.observedOf(id).length === 2);
    const { listeners } = before;
    await status({ listeners, restarts: before.restarts + 1, openConnections: 0 });
    const sockets = [{ pid: worker()?.pid, fd: expect.any(Number) }];
    const bound = { listenerId: id, generation: 1, state: 'bound', laddr, sockets };
    expect(told.observedOf(id)[1]).toEqual(bound);
    expect(worker()?.pid).not.toBe(before.pid);

    await using next = await world.letIn(port);
    if (ground.isLossTold) expect(told.placeOf(id).workerId).not.toBe(workerId);
    await using waiting = await ground.connect(early.laddr.port);
    const echoed = waiting.echo('early');
    expect(await next.echo('still')).toBe('still');
    const { listenerId } = unserved;
    expect([...told.of(listenerId), ...told.observedOf(listenerId)]).toEqual([]);
    await plane.wish({ generation: 1, binding: unserved });
    expect(told.observedOf(listenerId)).toMatchObject([{ laddr: early.laddr, sockets }]);
    expect(await echoed).toBe('early');
    if (ground.isLossTold) expect(told.isAllBeforeLoss(workerId)).toBe(true);
  });
}

/** Methods that keep their object when they are taken out of it. */
function handsOf(world: World) {
  const { plane, told, ground } = world;
  const listen = (given?: Partial<Binding>) => world.listen(given);
  const letIn = (port: number) => world.letIn(port);
  const end = (id: string, given?: Partial<ListenerEnd>) => world.end(id, given);
  const worker = () => world.worker;
  const status = (expected: Partial<WorkerStatus>) => world.status(expected);
  const settledWorker = () => world.settledWorker();
  return { plane, told, ground, listen, letIn, end, worker, status, settledWorker };
}

async function isRefused({ connect }: DataPlaneGround, port: number): Promise<boolean> {
  const client = await connect(port).catch(() => null);
  await client?.[Symbol.asyncDispose]();
  return client === null;
}
