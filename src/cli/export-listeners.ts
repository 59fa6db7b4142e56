/** What listens, as the file that `apply` reads: without what it has by default. */
import type { Command } from 'commander';
import { specOf } from '../listeners-file/listener-spec.ts';
import { type Labels, labelQuery } from './flags.ts';
import { yamlText } from './json-text.ts';
import type { Session } from './session.ts';

export async function exportListeners(session: Session, command: Command): Promise<undefined> {
  const { client, terminal, format } = session;
  const { label = {} } = command.opts<{ readonly label?: Labels }>();
  const { items } = await client.list('listeners', { label: labelQuery(label) });
  const there = items.filter(({ state }) => state !== 'draining').toReversed();
  const named = there.filter(({ name }) => name !== null);
  const nameless = there.length - named.length;
  if (nameless > 0)
    terminal.say(`kodama: ${nameless} without a name are left out: apply knows listeners by name`);
  for (const { name, tls } of named) {
    const isOwn = tls !== null && !tls.isSelfSigned;
    if (isOwn)
      terminal.say(
        `kodama: ${name} has a certificate of its own, whose key is never shown: add both`,
      );
  }
  const set = label.set ?? null;
  const file = {
    ...(set === null ? {} : { set }),
    listeners: named.map((listener) => specOf(listener, set)),
  };
  if (format === 'json') await terminal.printJson(file);
  else await terminal.print(await yamlText(file));
}
