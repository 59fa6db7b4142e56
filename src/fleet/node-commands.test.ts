import { expect, test } from 'vitest';
import { keepingLogger } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import type { Caller } from '../core/caller.ts';
import type { HeldNode } from '../core/held-node.ts';
import { HeldNodes } from '../core/held-nodes.ts';
import { defaultProject, projectRef } from '../core/project.ts';
import { NodeCommands } from './node-commands.ts';
import type { CommandRows, PostedCommand } from './store.ts';

const limits = {
  ...{ commandTimeoutMs: 60_000, commandsMax: 10, commandPollMs: 60_000 },
  commandsPerProjectMax: 2,
};

function commandsOver(rows: Partial<CommandRows>, held: HeldNodes) {
  const places = { whereIs: async () => 'there' as const };
  const ground = { places, held, logger: keepingLogger(), limits };
  return new NodeCommands({ ...ground, rows: rows as CommandRows });
}

function holding(nodeId: string): HeldNodes {
  const held = new HeldNodes();
  held.add({ nodeId } as HeldNode);
  return held;
}

const posted = (text: object): PostedCommand => ({
  ...{ id: 'one', nodeId: 'north', project: defaultProject, restMs: 60_000 },
  text: JSON.stringify({ by: null, ...text }),
});

test('a stop does not wait for an end that another process asked for, on behalf of nobody', async () => {
  const close = { kind: 'close', id: 'listener', drainMs: 0 };
  const begun = Promise.withResolvers<Caller | null>();
  let wake = () => {};
  const rows = {
    onWake: (callback: () => void) => {
      wake = callback;
      return () => undefined;
    },
    waiting: async () => [posted({ command: close })],
  };
  const commands = commandsOver(rows, holding('north'));
  commands.start(
    async (by) => {
      begun.resolve(by);
      return await new Promise(() => undefined);
    },
    { isAlone: false },
  );
  wake();
  expect(await begun.promise).toBeNull();
  await commands[Symbol.asyncDispose]();
});

test('one project leaves places to the others, and its further ones wait for their turn', async () => {
  const posted: string[] = [];
  const answers = new Map<string, string>();
  const rows = {
    post: async ({ id, project }: PostedCommand) => {
      posted.push(id);
      if (project !== defaultProject) answers.set(id, JSON.stringify({ listeners: [] }));
    },
    answers: async () => answers,
    remove: async () => undefined,
  };
  await using commands = commandsOver(rows, new HeldNodes());
  commands.start(async () => [], { isAlone: true });
  const close = { kind: 'close', id: 'listener', drainMs: 86_400_000 } as const;
  const waiting = [1, 2, 3].map(() => commands.run(null, defaultProject, 'north', close));
  expect(await commands.run(null, projectRef(7), 'north', close)).toEqual([]);
  expect(posted).toHaveLength(3);
  for (const id of posted) answers.set(id, JSON.stringify({ listeners: [] }));
  // An answer that came is looked for with the next question.
  await commands.run(null, projectRef(7), 'north', close);
  await waitFor('the place of the third', () => posted.length === 5);
  answers.set(posted.at(-1) ?? '', JSON.stringify({ listeners: [] }));
  await commands.run(null, projectRef(7), 'north', close);
  await Promise.all(waiting);
});
