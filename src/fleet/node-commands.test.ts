import { expect, test } from 'vitest';
import { keepingLogger } from '../../test/support/samples.ts';
import type { HeldNode } from '../core/held-node.ts';
import { HeldNodes } from '../core/held-nodes.ts';
import { defaultProject } from '../core/project.ts';
import { NodeCommands } from './node-commands.ts';
import type { CommandRows, PostedCommand } from './store.ts';

const limits = { commandTimeoutMs: 60_000, commandsMax: 10, commandPollMs: 60_000 };

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

test('a stop does not wait for a drain that another process asked for', async () => {
  const close = { kind: 'close', id: 'listener', drainMs: 86_400_000 };
  const begun = Promise.withResolvers<void>();
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
    async () => {
      begun.resolve();
      return await new Promise(() => undefined);
    },
    { isAlone: false },
  );
  wake();
  await begun.promise;
  await commands[Symbol.asyncDispose]();
});

test('who asks for a drain waits for as long as that may take, and then for an answer', async () => {
  const asked: PostedCommand[] = [];
  const answers = new Map<string, string>();
  const rows = {
    post: async (command: PostedCommand) => {
      asked.push(command);
      answers.set(command.id, JSON.stringify({ listeners: [] }));
    },
    answers: async () => answers,
    remove: async () => undefined,
  };
  await using commands = commandsOver(rows, new HeldNodes());
  commands.start(async () => [], { isAlone: true });
  for (const drainMs of [0, 5000]) {
    const close = { kind: 'close', id: 'listener', drainMs } as const;
    expect(await commands.run(null, defaultProject, 'north', close)).toEqual([]);
  }
  expect(asked.map(({ restMs }) => restMs)).toEqual([60_000, 65_000]);
});
