/** A listener as a file has it: without what it has by default. */
import { isDeepStrictEqual } from 'node:util';
import { defaultBounds } from '../core/listener-bounds.ts';
import type { listenerResource, Shown } from '../http/resources.ts';
import { withoutDefaults } from './fault-defaults.ts';
import type { Fields } from './listeners-file.ts';

/** As REST shows it, which is how files speak of it. */
export type Listener = Shown<typeof listenerResource>;

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
    placement: placementOf(listener),
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

function placementOf({ placement }: Listener): readonly [Fields, boolean] {
  const { node, selector } = placement ?? {};
  const fields = { ...(node !== undefined && { node }), ...(selector && { selector }) };
  return [fields, placement !== null];
}

function tlsOf(tls: Listener['tls']): readonly [Fields, boolean] {
  const { clientAuth = 'none', ca = null, minVersion = 'TLSv1.2' } = tls ?? {};
  const fields: Record<string, unknown> = {};
  if (clientAuth !== 'none') fields.clientAuth = clientAuth;
  if (ca !== null) fields.ca = ca;
  if (minVersion !== 'TLSv1.2') fields.minVersion = minVersion;
  return [fields, Object.keys(fields).length > 0];
}
