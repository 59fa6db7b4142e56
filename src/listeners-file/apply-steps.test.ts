import { expect, test } from 'vitest';
import type { Step } from './apply-plan.ts';
import { carryOut, type ListenerCalls, type Unmade } from './apply-steps.ts';
import type { Listener } from './listener-spec.ts';

const shown = {
  ...{ host: '127.0.0.1', port: 18_140, protocol: 'tcp', mode: 'echo', recording: 'batched' },
  ...{ faults: [], limits: {}, labels: { by: 'api' }, tls: null, proxyProtocol: { mode: 'off' } },
  ...{ placement: null, expiresAt: null, state: 'listening', laddr: null },
};
const listener = (name: string, fields: object = {}) =>
  ({ ...shown, id: name, name, ...fields }) as unknown as Listener;
const remade = (name: string, fields: object = {}): Step => ({
  action: 'recreate',
  ...{ wanted: { name }, made: { name, mode: 'info' }, changes: ['mode'] },
  is: listener(name, fields),
});

/** What is done, where the node of each whose name begins with `far` is away, and `createAll` does for a create. */
async function doneOf(
  steps: readonly Step[],
  createAll: ListenerCalls['createAll'] = async () => 'made',
  isPassing: ListenerCalls['isPassing'] = () => false,
) {
  const done: string[] = [];
  const calls: ListenerCalls = {
    find: async () => null,
    async createAll(wanted) {
      done.push(...wanted.map(({ name, mode = 'echo' }) => `create ${name} ${mode}`));
      return await createAll(wanted);
    },
    async update({ name }) {
      done.push(`update ${name}`);
    },
    async delete({ name }) {
      done.push(`delete ${name}`);
      return name?.startsWith('far') !== true;
    },
    isPassing,
    waits: () => undefined,
  };
  const told: Unmade[] = [];
  const { signal } = new AbortController();
  const tell = (unmade: Unmade) => told.push(unmade);
  const error = await carryOut(calls, steps, { tell, signal }).catch((thrown: unknown) => thrown);
  return { done, error, told };
}

test('where what is to be made again is not closed yet, the others are made as they were', async () => {
  const created: Step = { action: 'create', wanted: { name: 'new' } };
  const steps = [created, remade('far'), remade('near'), remade('far-2')];
  const { done, error, told } = await doneOf(steps);
  expect(done).toEqual(['delete far', 'delete near', 'delete far-2', 'create near echo']);
  expect(told).toEqual([{ restored: ['near'], lost: [], fixed: [], reasons: [] }]);
  expect(error).toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/^far, far-2: can not be made again yet: /),
  });
});

test('what is to be closed later, and not made again, holds up nothing', async () => {
  const deleted: Step = { action: 'delete', is: listener('far') };
  const { done, error, told } = await doneOf([remade('near'), deleted]);
  expect([error, told]).toEqual([undefined, []]);
  expect(done).toEqual(['delete near', 'delete far', 'create near info']);
});

test('what can not be made as the file says is made as it was, as far as that is known', async () => {
  const made: unknown[] = [];
  const createAll: ListenerCalls['createAll'] = async (wanted) => {
    if (wanted.some(({ mode }) => mode === 'info')) throw new Error('in use');
    if (wanted.some(({ name }) => name === 'taken')) throw new Error('taken: in use by then');
    made.push(...wanted);
    return 'made';
  };
  const expiresAt = '2030-01-01T00:00:00.000Z';
  const steps = [
    remade('a', { expiresAt }),
    remade('taken'),
    remade('own-key', { protocol: 'tls', tls: { isSelfSigned: false } }),
    remade('deleted', { state: 'draining' }),
  ];
  const { error, told } = await doneOf(steps, createAll);
  expect(error).toMatchObject({ message: 'in use' });
  const labels = { by: 'api' };
  expect(made).toEqual([{ name: 'a', host: '127.0.0.1', port: 18_140, labels, expiresAt }]);
  const [unmade] = told;
  expect({ ...unmade, lost: unmade?.lost.toSorted() }).toEqual({
    restored: ['a'],
    lost: ['deleted', 'own-key', 'taken'],
    fixed: [],
    reasons: ['taken: in use by then'],
  });
});

test('what is left for now is made as it was, and holds up no other', async () => {
  const createAll: ListenerCalls['createAll'] = async ([one]) =>
    one?.mode === 'info' ? 'left' : 'made';
  const updated: Step = {
    action: 'update',
    ...{ wanted: { name: 'b' }, is: listener('b'), changes: [] },
  };
  const { done, error, told } = await doneOf([remade('a'), updated], createAll);
  expect(error).toBe(undefined);
  expect(done).toEqual(['delete a', 'create a info', 'create a echo', 'update b']);
  expect(told).toMatchObject([{ restored: ['a'], lost: [] }]);
});

test('what is refused for a while is waited for where it was closed, and one reason is told once', async () => {
  const passing = new Error('too many calls');
  let refused = 0;
  const createAll: ListenerCalls['createAll'] = async ([one]) => {
    if (one?.mode === 'info') throw new Error('in use');
    if (one?.name === 'a' && ++refused < 3) throw passing;
    if (one?.name !== 'a') throw new Error('full');
    return 'made';
  };
  const steps = [remade('a'), remade('b'), remade('c')];
  const { error, told } = await doneOf(steps, createAll, (thrown) => thrown === passing);
  expect(error).toMatchObject({ message: 'in use' });
  expect(told).toEqual([{ restored: ['a'], lost: ['b', 'c'], fixed: [], reasons: ['full'] }]);
});

test('what asked for any port is made as it was on the one that it had, or on any where that is taken', async () => {
  const made: unknown[] = [];
  const createAll: ListenerCalls['createAll'] = async ([one]) => {
    if (one?.mode === 'info' || (one?.name === 'taken' && one.port !== undefined)) {
      throw new Error('in use');
    }
    made.push([one?.name, one?.port]);
    return 'made';
  };
  const any = { port: 0, laddr: { ip: '127.0.0.1', port: 18_141 } };
  const { told } = await doneOf([remade('a', any), remade('taken', any)], createAll);
  expect(told).toMatchObject([{ restored: ['a', 'taken'], lost: [] }]);
  expect(told[0]?.fixed).toEqual(['a is fixed to port 18141 from now on; it had asked for any']);
  expect(made).toEqual([
    ['a', 18_141],
    ['taken', undefined],
  ]);
});
