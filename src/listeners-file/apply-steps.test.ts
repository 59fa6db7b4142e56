import { expect, test } from 'vitest';
import type { Step } from './apply-plan.ts';
import { carryOut, type ListenerCalls } from './apply-steps.ts';
import type { Listener } from './listener-spec.ts';

const listener = (name: string) => ({ id: name, name }) as Listener;
const remade = (name: string): Step => ({
  action: 'recreate',
  ...{ wanted: { name }, made: { name, mode: 'info' }, is: listener(name), changes: ['mode'] },
});

/** What is done, where the node of each whose name begins with `far` is away. */
async function doneOf(steps: readonly Step[]) {
  const done: string[] = [];
  const calls: ListenerCalls = {
    find: async () => null,
    async createAll(wanted) {
      done.push(...wanted.map(({ name }) => `create ${name}`));
    },
    async update({ name }) {
      done.push(`update ${name}`);
    },
    async delete({ name }) {
      done.push(`delete ${name}`);
      return name?.startsWith('far') !== true;
    },
  };
  const error = await carryOut(calls, steps).catch((thrown: unknown) => thrown);
  return { done, error };
}

test('nothing is made where what is to be made again is not closed yet', async () => {
  const created: Step = { action: 'create', wanted: { name: 'new' } };
  const { done, error } = await doneOf([created, remade('far'), remade('near'), remade('far-2')]);
  expect(done).toEqual(['delete far', 'delete near', 'delete far-2']);
  expect(error).toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/^far, far-2: can not be made again yet: /),
  });
});

test('what is to be closed later, and not made again, holds up nothing', async () => {
  const deleted: Step = { action: 'delete', is: listener('far') };
  const { done, error } = await doneOf([remade('near'), deleted]);
  expect(error).toBe(undefined);
  expect(done).toEqual(['delete near', 'delete far', 'create near']);
});
