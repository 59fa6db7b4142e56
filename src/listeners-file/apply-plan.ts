/** What has to be done so that what is becomes what a file wants. A plan changes nothing. */
import { isDeepStrictEqual } from 'node:util';
import { canonicalIp } from '../core/address.ts';
import { parseTime } from '../core/time.ts';
import { isAsWanted } from './fault-defaults.ts';
import type { Listener } from './listener-spec.ts';
import type { Fields, WantedListener } from './listeners-file.ts';
import { plainNetwork } from './plain-network.ts';
import { remade } from './remade.ts';

export type Step =
  | { readonly action: 'create' | 'keep'; readonly wanted: WantedListener }
  | (Change & { readonly action: 'update' })
  | Recreate
  | { readonly action: 'delete'; readonly is: Listener };

/** What differs can never change, so it has to be closed and made again. */
export interface Recreate extends Change {
  readonly action: 'recreate';
  readonly made: WantedListener;
  /** The node that it is placed on only since it has been there. */
  readonly ownNode?: string;
}

interface Change {
  readonly wanted: WantedListener;
  readonly is: Listener;
  /** The fields that differ. */
  readonly changes: readonly string[];
}

/** What PATCH takes. */
const changeable = ['labels', 'limits', 'faults', 'expiresAt', 'ttlMs'];

/** In the order of the file; what is to go comes last. @throws WrongFields of what can not be made again so */
export function planOf(
  wanted: readonly WantedListener[],
  existing: ReadonlyMap<string, Listener>,
  stale: readonly Listener[],
): readonly Step[] {
  const steps = wanted.map((each) => stepOf(each, existing.get(each.name)));
  return [...steps, ...stale.map((is): Step => ({ action: 'delete', is }))];
}

function stepOf(wanted: WantedListener, is: Listener | undefined): Step {
  if (is === undefined) return { action: 'create', wanted };
  // Whoever deleted it wants nothing of what it was.
  if (is.state === 'draining')
    return { action: 'recreate', wanted, is, changes: ['state'], made: wanted };
  const changes = Object.keys(wanted).filter((field) => !isSame(field, wanted, is));
  if (changes.length === 0) return { action: 'keep', wanted };
  const change = { wanted, is, changes };
  return changes.every((field) => changeable.includes(field))
    ? { action: 'update', ...change }
    : { action: 'recreate', ...change, made: remade(is, wanted) };
}

/** Of the listener that it is about: one that is to be deleted may have none. */
export function stepName(step: Step): string {
  return step.action === 'delete' ? (step.is.name ?? step.is.id) : step.wanted.name;
}

/** The body of the PATCH that brings about an update. */
export function patchOf(wanted: WantedListener, changes: readonly string[]): Fields {
  return Object.fromEntries(changes.map((field) => [field, wanted[field]]));
}

/** What the file does not name is as it should be. A `ttlMs` counts from now, so it is never the same. */
function isSame(field: string, wanted: WantedListener, is: Listener): boolean {
  const value = wanted[field];
  switch (field) {
    case 'port':
      return value === 0 || value === is.port || value === is.laddr?.port;
    case 'host':
      return typeof value === 'string' && plainHost(value) === plainHost(is.host);
    case 'expiresAt':
      return value === null ? is.expiresAt === null : isSameTime(String(value), is.expiresAt);
    case 'faults':
      return Array.isArray(value) && areSameFaults(value, is.faults);
    case 'limits':
    case 'proxyProtocol':
      return isPart(plainNetwork(value), plainNetwork(is[field]));
    case 'placement':
      return isPart(value, is[field]);
    case 'tls':
      return isPart(withoutKey(value), is.tls);
    case 'ttlMs':
      return false;
    default:
      return isDeepStrictEqual(value, (is as Fields)[field]);
  }
}

function plainHost(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : canonicalIp(host);
}

function isSameTime(wanted: string, is: string | null): boolean {
  return is !== null && parseTime(wanted) === parseTime(is);
}

function areSameFaults(wanted: readonly unknown[], is: Listener['faults']): boolean {
  return (
    wanted.length === is.length &&
    wanted.every((fault, index) => isAsWanted(is[index] ?? {}, fault as Fields))
  );
}

/** The key is never shown; a certificate that was changed tells of another one. */
function withoutKey(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { key: _, ...rest } = value as Fields;
  return rest;
}

/** Each field that is named is as it is. */
function isPart(part: unknown, whole: unknown): boolean {
  if (typeof part !== 'object' || part === null) return part === whole;
  if (typeof whole !== 'object' || whole === null) return false;
  return Object.entries(part).every(([name, value]) =>
    isDeepStrictEqual(value, (whole as Fields)[name]),
  );
}
