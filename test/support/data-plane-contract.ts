/** What every DataPlane keeps: the suite that the fake and the real one both pass. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  Binding,
  Bound,
  DataPlane,
  DataPlaneEvents,
  WorkerStatus,
} from '../../src/core/ports.ts';
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
}

export type MakeDataPlane = (events: DataPlaneEvents) => Promise<DataPlaneGround>;

const longMs = 60_000;
const atOnce = { drainMs: 0, reason: 'listener_deleted' } as const;
const hasNone = { workerId: 'no worker', connectionId: sampleId(0) };

let lastListener = 0;

export function bindingOf(given: Partial<Binding> = {}): Binding {
  const { name: _name, labels: _labels, expiresAt: _expiresAt, ...spec } = sampleNewListener();
  lastListener += 1;
  return { ...spec, tls: null, tlsKey: null, listenerId: sampleId(lastListener), ...given };
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

  /** A listener that echoes. */
  async listen(given: Partial<Binding> = {}): Promise<Bound & { id: string; port: number }> {
    const binding = bindingOf(given);
    const bound = await this.plane.open(binding);
    await this.plane.serve(binding.listenerId);
    return { ...bound, id: binding.listenerId, port: bound.laddr.port };
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
    describe('open and serve', () => openContract(() => world));
    describe('update', () => updateContract(() => world));
    describe('close', () => closeContract(() => world));
    describe('closing a connection', () => connectionContract(() => world));
    describe('a worker that is lost', () => lossContract(() => world));
  });
}

function openContract(worldOf: () => World): void {
  test('an open tells the address that was bound, and the worker’s sockets', async () => {
    const world = worldOf();
    const binding = bindingOf();
    const { laddr, sockets } = await world.plane.open(binding);
    expect(laddr).toEqual({ ip: '127.0.0.1', port: expect.any(Number) });
    expect(laddr.port).toBeGreaterThan(0);
    expect(sockets).toEqual([{ pid: world.worker?.pid, fd: expect.any(Number) }]);
    await world.plane.close(binding.listenerId, atOnce);
  });

  test('who comes before the serve waits for it, and is then echoed', async () => {
    const world = worldOf();
    const binding = bindingOf();
    const { laddr } = await world.plane.open(binding);
    await using client = await world.ground.connect(laddr.port);
    const echoed = client.echo('early');
    // The worker has turned meanwhile: another is echoed.
    const other = await world.listen();
    await using _other = await world.letIn(other.port);
    expect(world.told.of(binding.listenerId)).toEqual([]);
    await world.plane.serve(binding.listenerId);
    expect(await echoed).toBe('early');
    await waitFor('its record', () => world.told.of(binding.listenerId).length > 0);
    expect(world.told.of(binding.listenerId)).toMatchObject([{ kind: 'opened' }]);
  });

  test('a port in use is refused with its kind of owner, and whoever has it keeps it', async () => {
    const { plane, ...world } = handsOf(worldOf());
    const { port } = await world.listen();
    const second = bindingOf({ port });
    await expect(plane.open(second)).rejects.toMatchObject({
      code: 'port_in_use',
      details: { owner: 'foreign' },
    });
    await using _client = await world.letIn(port);
    const listeners = plane.status()[0]?.listeners;
    // What failed to open left nothing: its id can be opened elsewhere.
    await plane.open({ ...second, port: 0 });
    expect(plane.status()[0]?.listeners).toBe((listeners ?? 0) + 1);
  });

  test('to open what is open is a bug of whoever asks', async () => {
    const { plane, ...world } = handsOf(worldOf());
    const { id, port } = await world.listen();
    expect(await rejection(plane.open(bindingOf({ listenerId: id })))).toBeInstanceOf(TypeError);
    await using _client = await world.letIn(port);
  });

  test('a serve, an update and a close of no listener do nothing', async () => {
    const { plane } = worldOf();
    const id = bindingOf().listenerId;
    await plane.serve(id);
    await plane.update(id, { limits: sampleLimits, faults: [] });
    await plane.close(id, atOnce);
  });

  test('the status counts listeners and open connections', async () => {
    const world = worldOf();
    const before = world.worker;
    const { id, port } = await world.listen();
    await using _client = await world.letIn(port);
    expect(world.worker).toEqual({
      pid: before?.pid,
      restarts: before?.restarts,
      listeners: (before?.listeners ?? 0) + 1,
      openConnections: (before?.openConnections ?? 0) + 1,
    });
    await world.plane.close(id, atOnce);
    expect(world.worker).toEqual(before);
  });
}

function updateContract(worldOf: () => World): void {
  test('new limits hold for who comes, and who is in stays', async () => {
    const { plane, told, ...world } = handsOf(worldOf());
    const { id, port } = await world.listen();
    await using client = await world.letIn(port);
    await plane.update(id, { limits: { ...sampleLimits, maxConnections: 1 }, faults: [] });
    // Its reset may come before it has seen that it was connected.
    const refused = await world.ground.connect(port).catch(() => null);
    await refused?.ended;
    await waitFor('the refusal', () => told.of(id).length === 2);
    const refusal = { rule: 'max_connections', count: 1 };
    expect(told.of(id)[1]).toMatchObject({ kind: 'refused', listenerId: id, refusal });
    expect(await client.echo('still')).toBe('still');
    await plane.update(id, { limits: sampleLimits, faults: [] });
    await using _next = await world.letIn(port);
  });
}

function closeContract(worldOf: () => World): void {
  test('its port is free, its clients are gone, and all is on record when it resolves', async () => {
    const { plane, told, ...world } = handsOf(worldOf());
    const { id, port } = await world.listen();
    const clients = await Promise.all([1, 2, 3].map(() => world.letIn(port)));
    await plane.close(id, atOnce);
    const kinds = told.of(id).map(({ kind }) => kind);
    expect(kinds).toEqual(['opened', 'opened', 'opened', 'closed', 'closed', 'closed']);
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
    await plane.close(id, atOnce);
    expect((await world.listen({ port, listenerId: id })).port).toBe(port);
  });

  test('a drain lets who is in end, and nobody else in', async () => {
    const { plane, told, ...world } = handsOf(worldOf());
    const { id, port } = await world.listen();
    await using client = await world.letIn(port);
    const closed = plane.close(id, { ...atOnce, drainMs: longMs });
    await waitFor('the port to be free', () => isRefused(world.ground, port));
    expect(await client.echo('still')).toBe('still');
    client.end();
    await closed;
    expect(told.of(id).at(-1)).toMatchObject({
      kind: 'closed',
      connection: { closeReason: 'peer_fin' },
    });
  });

  test('a drain whose time is over closes who is in', async () => {
    const { plane, told, ...world } = handsOf(worldOf());
    const { id, port } = await world.listen();
    await using client = await world.letIn(port);
    await plane.close(id, { ...atOnce, drainMs: 20 });
    expect(told.of(id).at(-1)).toMatchObject({
      kind: 'closed',
      connection: { closeReason: 'listener_deleted' },
    });
    await client.ended;
  });

  test('a second close ends the drain of the first', async () => {
    const { plane, ...world } = handsOf(worldOf());
    const { id, port } = await world.listen();
    await using client = await world.letIn(port);
    const drained = plane.close(id, { ...atOnce, drainMs: longMs });
    await plane.close(id, atOnce);
    await drained;
    await client.ended;
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
  test('its connections are over without a word, and its successor has its listeners', async () => {
    const { plane, told, ...world } = handsOf(worldOf());
    const { id, port, laddr } = await world.listen();
    const unserved = bindingOf();
    const early = await plane.open(unserved);
    const client = await world.letIn(port);
    const { workerId, connectionId } = told.placeOf(id);
    const before = plane.status()[0];

    // No time passes between the loss and this open: nobody can be up again.
    const openedThen = told.atLoss(() => rejection(plane.open(bindingOf())));
    world.ground.loseWorker();
    expect(await openedThen).toMatchObject({ code: 'unavailable' });
    expect(told.lost).toEqual([workerId]);
    await client.ended;
    expect(told.of(id).map(({ kind }) => kind)).toEqual(['opened']);
    await plane.closeConnection({ workerId, connectionId }, 'rst');

    await waitFor('the successor', () => told.rebound.get(unserved.listenerId));
    await waitFor('the other', () => told.rebound.get(id));
    const after = plane.status()[0];
    expect(after).toMatchObject({ restarts: 1, openConnections: 0, listeners: before?.listeners });
    const sockets = [{ pid: after?.pid, fd: expect.any(Number) }];
    expect(told.rebound.get(id)).toEqual({ laddr, sockets });

    await using next = await world.letIn(port);
    expect(told.placeOf(id).workerId).not.toBe(workerId);
    await using waiting = await world.ground.connect(early.laddr.port);
    const echoed = waiting.echo('early');
    expect(await next.echo('still')).toBe('still');
    expect(told.of(unserved.listenerId)).toEqual([]);
    await plane.serve(unserved.listenerId);
    expect(await echoed).toBe('early');
    expect(told.isAllBeforeLoss(workerId)).toBe(true);
  });
}

/** Methods that keep their object when they are taken out of it. */
function handsOf(world: World) {
  const { plane, told, ground } = world;
  const listen = (given?: Partial<Binding>) => world.listen(given);
  const letIn = (port: number) => world.letIn(port);
  return { plane, told, ground, listen, letIn };
}

async function isRefused({ connect }: DataPlaneGround, port: number): Promise<boolean> {
  const client = await connect(port).catch(() => null);
  await client?.[Symbol.asyncDispose]();
  return client === null;
}
