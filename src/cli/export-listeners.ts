/** What listens, as the file that `apply` reads: without what it has by default. */
import { isDeepStrictEqual } from 'node:util';
import type { Command } from 'commander';
import { defaultBounds } from '../core/listener-bounds.ts';
import { withoutDefaults } from './fault-defaults.ts';
import { type Labels, labelQuery } from './flags.ts';
import type { Fields } from './listeners-file.ts';
import type { Listener } from './rest-client.ts';
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
  const { stringify } = await import('yaml');
  await terminal.print(format === 'json' ? `${JSON.stringify(file)}\n` : stringify(file));
}

/** The body that would make it, with the port that was asked for and no end. */
export function specOf(listener: Listener, set: string | null): Fields {
  const { name, protocol, host, port, mode, faults, proxyProtocol, recording, tls } = listener;
  const labels = Object.entries(listener.labels).filter(
    ([key]) => !(key === 'set' && set !== null),
  );
  const fields: Readonly<Record<string, readonly [value: unknown, isGiven: boolean]>> = {
    name: [name, true],
    protocol: [protocol, protocol !== 'tcp'],
    host: [host, true],
    port: [port, port !== 0],
    mode: [mode, mode !== 'echo'],
    labels: [Object.fromEntries(labels), labels.length > 0],
    limits: limitsOf(listener),
    faults: [faults.map(withoutDefaults), faults.length > 0],
    tls: tlsOf(tls),
    proxyProtocol: [proxyProtocol, proxyProtocol.mode !== 'off'],
    recording: [recording, recording !== 'batched'],
  };
  const given = Object.entries(fields).flatMap(([key, [value, isGiven]]) =>
    isGiven ? [[key, value] as const] : [],
  );
  return Object.fromEntries(given);
}

function limitsOf({ limits }: Listener): readonly [Fields, boolean] {
  const bounds: Readonly<Record<string, unknown>> = { ...defaultBounds };
  const given = Object.entries(limits).filter(([name, value]) => {
    const bound = bounds[name];
    const isRange = typeof bound === 'object' && bound !== null && 'default' in bound;
    const byDefault = isRange ? bound.default : name.endsWith('Cidrs') ? [] : null;
    return !isDeepStrictEqual(value, byDefault);
  });
  return [Object.fromEntries(given), given.length > 0];
}

function tlsOf(tls: Listener['tls']): readonly [Fields, boolean] {
  const { clientAuth = 'none', ca = null, minVersion = 'TLSv1.2' } = tls ?? {};
  const fields: Record<string, unknown> = {};
  if (clientAuth !== 'none') fields.clientAuth = clientAuth;
  if (ca !== null) fields.ca = ca;
  if (minVersion !== 'TLSv1.2') fields.minVersion = minVersion;
  return [fields, Object.keys(fields).length > 0];
}
