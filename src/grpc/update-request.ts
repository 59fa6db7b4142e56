/** A change: protobuf with its field mask → what the contract's schema reads. */

import type { UpdateListenerRequest__Output as UpdateRequest } from '../../generated/grpc/kodama/v1/UpdateListenerRequest.ts';
import { shorten } from '../contract/parse.ts';
import { invalidField } from '../core/errors.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import { toFaultInput } from './fault-messages.ts';
import { limitsInput } from './requests.ts';
import { timeText, wholeNumber } from './times.ts';

type LimitsInput = ReturnType<typeof limitsInput>;

/** No field's path is longer. */
const pathCharsMax = 64;

/**
 * Without a mask what is there is set. With one, what is listed is set, and cleared where it is not there.
 * @throws invalid_argument for a path that is none
 */
export function updateInput(request: UpdateRequest, bounds: ListenerBounds): object {
  const given = {
    name: request.name,
    labels: request.labels,
    faults: request.faults?.map(toFaultInput),
    expiresAt: timeText(request.expiresAt),
    ttlMs: wholeNumber(request.ttlMs),
  };
  const limits = limitsInput(request.limits ?? {});
  const paths = request.updateMask?.paths ?? [];
  if (paths.length === 0) return request.limits === undefined ? given : { ...given, limits };
  const input: Record<string, unknown> = {};
  const listedLimits: Record<string, unknown> = {};
  for (const path of paths) {
    if (path.length > pathCharsMax) throw notInMask(path);
    const [field = '', limit, ...rest] = path.split('.');
    const name = camelCase(field);
    if (name === 'limits' && rest.length === 0) {
      const whole = limitFields(limits, bounds);
      const names = limit === undefined ? Object.keys(whole) : [camelCase(limit)];
      for (const one of names) listedLimits[one] = fieldOf(whole, one, path);
    } else if (name === 'ttlMs' && limit === undefined && given.ttlMs === undefined) {
      input.expiresAt ??= null;
    } else {
      if (limit !== undefined) throw notInMask(path);
      input[name] = fieldOf(clearable(given), name, path);
    }
  }
  return Object.keys(listedLimits).length === 0 ? input : { ...input, limits: listedLimits };
}

type Given = { readonly [Field in 'name' | 'labels' | 'faults' | 'expiresAt' | 'ttlMs']: unknown };

function clearable({ name, labels, faults, expiresAt, ttlMs }: Given): object {
  return {
    name: name ?? null,
    labels: labels ?? {},
    faults: faults ?? [],
    expiresAt: expiresAt ?? null,
    ttlMs,
  };
}

/** A limit that is cleared is no bound of its kind; the two that every listener has go back to their default. */
function limitFields(limits: LimitsInput, bounds: ListenerBounds): object {
  return {
    maxConnections: limits.maxConnections ?? bounds.maxConnections.default,
    maxConnectionsPerSource: limits.maxConnectionsPerSource ?? null,
    acceptRate: limits.acceptRate ?? null,
    idleTimeoutMs: limits.idleTimeoutMs ?? null,
    maxDurationMs: limits.maxDurationMs ?? null,
    maxBytes: limits.maxBytes ?? null,
    writeTimeoutMs: limits.writeTimeoutMs ?? null,
    udpIdleTimeoutMs: limits.udpIdleTimeoutMs ?? bounds.udpIdleTimeoutMs.default,
    allowCidrs: limits.allowCidrs ?? [],
    denyCidrs: limits.denyCidrs ?? [],
  } satisfies Record<keyof LimitsInput, unknown>;
}

function fieldOf(fields: object, name: string, path: string): unknown {
  const entry = Object.entries(fields).find(([key]) => key === name);
  if (entry === undefined) throw notInMask(path);
  return entry[1];
}

function notInMask(path: string) {
  return invalidField('updateMask', `${shorten(path)} is not a field that can change`);
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
