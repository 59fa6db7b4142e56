/** An agent and its sessions: real workers and sockets, over a network that is cut, and a gateway that says goodbye. */
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { AppError } from '../src/core/errors.ts';
import type { Binding } from '../src/core/ports.ts';
import type { WorkerRecord } from '../src/core/record.ts';
import { childrenOf, commandOf } from './chaos/processes.ts';
import { identityOf, startAgent, startGateway, urlOf } from './support/agent-world.ts';
import { bindingOf } from './support/data-plane-contract.ts';
import { freePort } from './support/free-port.ts';
import { long } from './support/long.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { startTcpProxy } from './support/tcp-proxy.ts';
import { TestAdmission, type TestSession, wishAll } from './support/test-admission.ts';
import { passed, waitFor } from './support/wait-for.ts';

type GatewayOptions = Parameters<typeof startGateway>[1];
type AgentOptions = Parameters<typeof startAgent>[1];

/** An agent behind a network that can be cut. */
async function startWorld(gatewayLimits: GatewayOptions = {}, agentLimits: AgentOptions = {}) {
  await using resources = new AsyncDisposableStack();
  const admission = new TestAdmission();
  const { server, logger } = resources.use(await startGateway(admission, gatewayLimits));
  const { port } = server.address;
  const proxy = resources.use(await startTcpProxy(() => connect(port, '127.0.0.1')));
  const identity = identityOf(admission, [`http://127.0.0.1:${proxy.port}`]);
  const started = resources.use(startAgent(identity, agentLimits));
  const { agent, failures } = started;
  const session = await waitFor('the session', () => admission.session);
  const all = resources.move();
  return {
    ...{ admission, server, proxy, agent, identity, session, logger },
    /** Of the agent. */
    lines: started.logger.lines,
    sessionAfter: (before: TestSession) =>
      waitFor('the next session', () => {
        const { session: now } = admission;
        return now !== undefined && now !== before && now.isStarted ? now : null;
      }),
    async [Symbol.asyncDispose]() {
      await all.disposeAsync();
      expect(failures).toEqual([]);
    },
  };
}

/** A listener that echoes, by its first wish, on a port that is its own while no worker has it. */
async function listen({ link: { dataPlane } }: TestSession, given?: Binding) {
  const binding = given ?? bindingOf({ port: await freePort() });
  const { laddr } = await dataPlane.open(binding);
  await dataPlane.wish({ generation: 1, binding });
  return { binding, port: laddr.port };
}

const workersHere = () =>
  childrenOf(process.pid).filter((pid) => commandOf(pid).includes('worker-main')).length;

const ofKind = <Kind extends WorkerRecord['kind']>(admission: TestAdmission, kind: Kind) =>
  admission.records.filter(
    (record): record is Extract<WorkerRecord, { kind: Kind }> => record.kind === kind,
  );
const closes = (admission: TestAdmission) =>
  ofKind(admission, 'closed').map(({ connection }) => connection.closeReason);

test(
  'a session that breaks while the workers start leaves to the next one what is told of listeners',
  long,
  async () => {
    const admission = new TestAdmission();
    await using gateway = await startGateway(admission);
    const { port } = gateway.server.address;
    await using proxy = await startTcpProxy(() => connect(port, '127.0.0.1'));
    const before = workersHere();
    await using _agent = startAgent(identityOf(admission, [`http://127.0.0.1:${proxy.port}`]));
    // They are started by the first welcome, and take a while.
    await waitFor('a worker to start', () => workersHere() > before);
    const [first] = admission.sessions;
    proxy.cut();
    proxy.restore();
    const session = await waitFor('the next session', () => {
      const { session: now } = admission;
      return now !== first && now?.beats.length ? now : null;
    });
    const { binding } = await listen(session);
    session.link.dataPlane.endWish({ listenerId: binding.listenerId, generation: 2, drainMs: 0 });
    await waitFor('the word that it is gone', () =>
      session.observed.some(({ state }) => state === 'gone'),
    );
  },
);

test(
  'what was not acknowledged comes again under its numbers: nothing is lost, and nothing is twice',
  long,
  async () => {
    await using world = await startWorld();
    const { admission, proxy } = world;
    let { session } = world;
    const { binding, port } = await listen(session);
    admission.onStart = ({ link }) => wishAll(link, [binding]);
    let talks = 0;
    let isOver = false;
    const talking = (async () => {
      while (!isOver) {
        expect(await talk(port, `${talks}`)).toBe(`${talks}`);
        talks += 1;
      }
    })();
    for (let round = 0; round < 4; round += 1) {
      const before = talks;
      // Commits that are done, and whose acknowledgement is lost.
      if (round % 2 === 0) proxy.mute();
      await waitFor('some talks', () => talks > before + 20);
      proxy.cut();
      const cutAt = talks;
      await waitFor('some talks without a session', () => talks > cutAt + 20);
      proxy.restore();
      session = await world.sessionAfter(session);
    }
    isOver = true;
    await talking;
    await waitFor('all ends', () => closes(admission).length === talks);
    expect(admission.committed.size).toBe(1);
    expect(admission.repeats).toBeGreaterThan(0);
    const [opened, closed] = [ofKind(admission, 'opened'), ofKind(admission, 'closed')];
    expect(new Set(opened.map(({ connection }) => connection.id)).size).toBe(talks);
    expect(new Set(closed.map(({ connection }) => connection.id)).size).toBe(talks);
  },
);

test(
  'wishes are kept over sessions, and what the next one does not name goes without a word',
  long,
  async () => {
    await using world = await startWorld();
    const { admission, proxy, session } = world;
    const [kept, dropped] = [await listen(session), await listen(session)];
    await using stays = await openClient(kept.port);
    await using goes = await openClient(dropped.port);
    await stays.echo('hello');
    await goes.echo('hello');
    const held = bindingOf();
    const { laddr } = await session.link.dataPlane.open(held);
    admission.onStart = () => undefined;
    proxy.cut();
    await waitFor('the end of the session', () => session.isOver);
    expect(await stays.echo('on my own')).toBe('on my own');
    proxy.restore();
    const { link, observed } = await world.sessionAfter(session);
    await link.dataPlane.wish({ generation: 1, binding: kept.binding });
    expect(observed).toMatchObject([{ listenerId: kept.binding.listenerId, state: 'bound' }]);
    expect(await goes.echo('still')).toBe('still');
    link.wishEnd();
    await goes.ended;
    await waitFor('its end on record', () => closes(admission).length === 1);
    expect(closes(admission)).toEqual(['listener_deleted']);
    expect(await stays.echo('still')).toBe('still');
    expect(observed).toHaveLength(1);
    // A hold is nobody's wish: its commit may be on its way.
    await link.dataPlane.wish({ generation: 1, binding: held });
    expect(await talk(laddr.port, 'held')).toBe('held');
  },
);

test('what is held and not wished in time is let go of', long, async () => {
  await using world = await startWorld({}, { holdMs: 50 });
  const { dataPlane } = world.session.link;
  const binding = bindingOf();
  const { laddr } = await dataPlane.open(binding);
  await waitFor('its port', () =>
    talk(laddr.port, 'x').then(
      () => false,
      (error: Error) => error.message.includes('ECONNREFUSED'),
    ),
  );
  await dataPlane.release(binding.listenerId);
});

test(
  'a durable connection is echoed once its record is committed, and not before',
  long,
  async () => {
    await using world = await startWorld();
    const { admission, session } = world;
    const { port } = await listen(session, bindingOf({ recording: 'durable' }));
    const gate = Promise.withResolvers<void>();
    admission.gate = gate.promise;
    const awaited: boolean[] = [];
    admission.onRecords = (_, __, isAwaited) => void awaited.push(isAwaited);
    await using client = await openClient(port);
    const echoed = client.echo('hello');
    // Another listener's round trip: the record is long there.
    await listen(session);
    expect(client.received).toHaveLength(0);
    gate.resolve();
    expect(await echoed).toBe('hello');
    expect(awaited[0]).toBe(true);
  },
);

test(
  'without the control plane connections end in time, the listeners listen on, and all is told later',
  long,
  async () => {
    const lostAfterMs = 1500;
    await using resources = new AsyncDisposableStack();
    const admission = new TestAdmission();
    admission.lostAfterMs = lostAfterMs;
    const { url, server } = resources.use(await startGateway(admission));
    const { port: gatewayPort } = server.address;
    const proxy = resources.use(await startTcpProxy(() => connect(gatewayPort, '127.0.0.1')));
    expect(url).not.toBe('');
    const identity = identityOf(admission, [urlOf({ ip: '', port: proxy.port })]);
    const { failures } = resources.use(startAgent(identity, { leaseMarginMs: 500 }));
    const session = await waitFor('the session', () => admission.session);
    const { binding, port } = await listen(session);
    await using client = await openClient(port);
    await client.echo('hello');
    // As long as heartbeats are answered, it goes on.
    const { length } = session.beats;
    await waitFor(
      'more heartbeats than the lease is long',
      () => session.beats.length > length + 40,
    );
    expect(await client.echo('still')).toBe('still');
    admission.onStart = ({ link }) => wishAll(link, [binding]);
    proxy.cut();
    await client.ended;
    expect(client.error).toBe('ECONNRESET');
    expect(await talk(port, 'listens on')).toBe('listens on');
    proxy.restore();
    await waitFor('what came meanwhile', () => closes(admission).length === 2);
    expect(closes(admission)).toEqual(['node_lost', 'peer_fin']);
    expect(failures).toEqual([]);
  },
);

test('how long it may be away an agent hears while its session goes on', long, async () => {
  await using world = await startWorld();
  const { admission, session, proxy } = world;
  const { port } = await listen(session);
  await using client = await openClient(port);
  await client.echo('hello');
  admission.lostAfterMs = 6000;
  const { length } = session.beats;
  // Each way of an answer takes a turn of the loop, and a turn has one heartbeat at most.
  await waitFor('answers', () => session.beats.length > length + 20);
  expect(admission.sessions).toHaveLength(1);
  proxy.hold();
  await client.ended;
  expect(client.error).toBe('ECONNRESET');
});

test('what was lost on record while it was away is ended when it is back', long, async () => {
  const leaseMarginMs = 500;
  await using world = await startWorld({}, { leaseMarginMs });
  const { admission, session, proxy } = world;
  const { binding, port } = await listen(session);
  await using client = await openClient(port);
  await client.echo('hello');
  proxy.cut();
  await waitFor('the end of the session', () => session.isOver);
  // Shorter than it has heard that it may be away, and over by the time that it comes.
  admission.lostAfterMs = leaseMarginMs + 600;
  await passed(admission.lostAfterMs);
  expect(await client.echo('still here')).toBe('still here');
  admission.onStart = ({ link }) => wishAll(link, [binding]);
  proxy.restore();
  await client.ended;
  expect(client.error).toBe('ECONNRESET');
  await waitFor('its record', () => closes(admission).includes('node_lost'));
  expect(await talk(port, 'listens on')).toBe('listens on');
});

test('a worker that is lost is told by the ends of its connections', long, async () => {
  await using world = await startWorld();
  const { admission, session } = world;
  const { port } = await listen(session);
  await using client = await openClient(port);
  await client.echo('hello');
  const told = await waitFor('its counters', () => {
    const [first] = ofKind(admission, 'counters');
    return first?.connection;
  });
  const [{ pid = 0 } = {}] = await waitFor('the worker', () => {
    const workers = session.link.dataPlane.status();
    return workers.length > 0 ? workers : null;
  });
  process.kill(pid, 'SIGKILL');
  await waitFor('the end', () => closes(admission).length === 1);
  const end = { closeInitiator: 'system', closeReason: 'worker_crashed', halfClosedAt: null };
  expect(ofKind(admission, 'closed')[0]?.connection).toMatchObject({ ...told, ...end });
});

test('times of records are the control plane’s, whatever the host says', long, async () => {
  const admission = new TestAdmission();
  const year = 365 * 86_400_000_000;
  admission.now = () => Date.now() * 1000 - year;
  await using gateway = await startGateway(admission);
  await using _agent = startAgent(identityOf(admission, [gateway.url]));
  const session = await waitFor('the session', () => admission.session);
  const { port } = await listen(session);
  const before = admission.now();
  expect(await talk(port, 'x')).toBe('x');
  await waitFor('the record', () => ofKind(admission, 'closed').length === 1);
  const [{ acceptedAt = 0 } = {}] = ofKind(admission, 'opened').map((one) => one.connection);
  const minute = 60_000_000;
  expect(Math.abs(acceptedAt - before)).toBeLessThan(minute);
  await waitFor('its offset', () =>
    session.beats.some(({ clockOffsetMs }) => Math.abs(clockOffsetMs - year / 1000) < 60_000),
  );
});

test(
  'a goodbye sends an agent away for as long as it says, and the next session serves the same',
  long,
  async () => {
    await using world = await startWorld();
    const { session } = world;
    session.link.end({ reason: 'go elsewhere', retryAfterMs: 30, final: false });
    const next = await world.sessionAfter(session);
    expect(next.hello.bootId).toBe(session.hello.bootId);
    expect(next.number).toBe(2);
    await expect(session.link.dataPlane.open(bindingOf())).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect((await listen(next)).port).toBeGreaterThan(0);
  },
);

test('what waits for an answer fails with the session', async () => {
  await using world = await startWorld();
  const { session, proxy } = world;
  const { binding } = await listen(session);
  proxy.hold();
  const { dataPlane } = session.link;
  const asked = [
    dataPlane.wish({ generation: 2, binding }),
    dataPlane.open(bindingOf()),
    dataPlane.release(bindingOf().listenerId),
  ].map((one) => one.catch((error: unknown) => error));
  session.link.end({ reason: 'enough', retryAfterMs: 0, final: false });
  for (const failure of await Promise.all(asked)) {
    expect(failure).toMatchObject({ code: 'unavailable' });
  }
  proxy.restore();
});

test(
  'a replica that says nothing, or that can write nothing, is left for another',
  long,
  async () => {
    await using world = await startWorld({}, { leaseTimeoutMs: 1000, unstoredTimeoutMs: 500 });
    const { admission, session, proxy } = world;
    // Before it is welcomed it waits longer.
    await waitFor('a heartbeat', () => session.beats.length > 0);
    const { accepted } = proxy;
    proxy.mute();
    await waitFor('another call of the agent', () => proxy.accepted > accepted);
    proxy.cut();
    proxy.restore();
    const second = await world.sessionAfter(session);
    admission.isStored = false;
    const third = await world.sessionAfter(second);
    // Once: then it stays where it gets.
    const { length } = third.beats;
    await waitFor('many heartbeats', () => third.beats.length > length + 20);
    expect(third.isOver).toBe(false);
  },
);

test('the log says where the control plane is, that it is away, and that it is back', async () => {
  await using world = await startWorld();
  const { lines, proxy } = world;
  const gateway = `http://127.0.0.1:${proxy.port}`;
  const back = { level: 'info', fields: { gateway }, message: 'with the control plane' };
  const away = { level: 'warn', message: 'without the control plane for now' };
  const told = () => lines.filter(({ message }) => /control plane/.test(message));
  await waitFor('the first session', () => told().length === 1);
  proxy.cut();
  await waitFor('its end', () => told().length > 1);
  proxy.restore();
  await waitFor('the next one', () => told().at(-1)?.message === back.message);
  expect(told()[0]).toMatchObject(back);
  expect(told()[1]).toMatchObject(away);
});

test('a node that was removed is told so, and has no more to come back for', async () => {
  await using world = await startWorld();
  const { admission, session, agent, identity } = world;
  admission.nodes.set(identity.nodeId, 'removed');
  session.link.end({ reason: 'come again', retryAfterMs: 0, final: false });
  await agent.removed;
  expect(admission.sessions).toHaveLength(1);
});

test('errors come over the wire with their code and details', long, async () => {
  await using world = await startWorld();
  const { dataPlane } = world.session.link;
  const { port } = await listen(world.session);
  const taken = await dataPlane.open(bindingOf({ port })).catch((error: unknown) => error);
  expect(taken).toBeInstanceOf(AppError);
  expect(taken).toMatchObject({ code: 'port_in_use', details: { owner: 'foreign' } });
  const strange = dataPlane.open(bindingOf({ host: '192.0.2.7' }));
  const errors = [{ path: 'host', message: 'is not an address of this machine' }];
  await expect(strange).rejects.toMatchObject({ code: 'invalid_argument', details: { errors } });
  await expect(dataPlane.open(bindingOf({ port: 80 }))).rejects.toMatchObject({
    code: 'port_privileged',
  });
});

test('a stop closes what is open as shutdown, and delivers it', async () => {
  const admission = new TestAdmission();
  await using gateway = await startGateway(admission);
  const { agent } = startAgent(identityOf(admission, [gateway.url]));
  const session = await waitFor('the session', () => admission.session);
  const { port } = await listen(session);
  await using client = await openClient(port);
  await client.echo('hello');
  await agent[Symbol.asyncDispose]();
  await client.ended;
  expect(closes(admission)).toEqual(['shutdown']);
  await waitFor('the end of the session', () => session.isOver);
});
