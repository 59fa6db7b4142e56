/** Where in a request to create or change listeners something hostile may stand. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { Target } from '../cost-world.ts';
import { type Answer, type Ask, exchange, together } from '../exchange.ts';
import type { Sent } from '../family.ts';

/** A little below the most that a body may hold: one above it is refused unread. */
export const bodyBytesMax = 1_040_000;

const create = { method: 'POST', path: '/v1/listeners' };
const patch = { method: 'PATCH', path: '/v1/listeners/fixture' };
const batch = { method: 'POST', path: '/v1/listeners:batch' };

interface Place {
  readonly call: { readonly method: string; readonly path: string };
  readonly around: (inside: string) => string;
}

/** Of fields, such as `"a":1,"b":2`. */
export const objectPlaces: Readonly<Record<string, Place>> = {
  create: { call: create, around: (fields) => `{${fields}}` },
  patch: { call: patch, around: (fields) => `{${fields}}` },
  batch: { call: batch, around: (fields) => `{${fields}}` },
  listener: { call: batch, around: (fields) => `{"listeners":[{${fields}}]}` },
  ports: { call: batch, around: (fields) => `{"ports":{${fields}}}` },
  limits: { call: create, around: (fields) => `{"limits":{${fields}}}` },
  labels: { call: create, around: (fields) => `{"labels":{${fields}}}` },
  fault: { call: create, around: (fields) => `{"faults":[{"type":"refuse",${fields}}]}` },
  match: { call: create, around: (fields) => `{"faults":[{"type":"refuse","match":{${fields}}}]}` },
  tls: { call: create, around: (fields) => `{"protocol":"tls","tls":{${fields}}}` },
};

/** Of items, such as `1,2`. */
export const listPlaces: Readonly<Record<string, Place>> = {
  root: { call: create, around: (items) => `[${items}]` },
  faults: { call: create, around: (items) => `{"faults":[${items}]}` },
  patchedFaults: { call: patch, around: (items) => `{"faults":[${items}]}` },
  allowCidrs: { call: create, around: (items) => `{"limits":{"allowCidrs":[${items}]}}` },
  denyCidrs: { call: patch, around: (items) => `{"limits":{"denyCidrs":[${items}]}}` },
  trustedCidrs: {
    call: create,
    around: (items) => `{"proxyProtocol":{"trustedCidrs":[${items}]}}`,
  },
  listeners: { call: batch, around: (items) => `{"listeners":[${items}]}` },
  name: { call: create, around: (items) => `{"name":[${items}]}` },
};

/** Of one value. */
export const valuePlaces: Readonly<Record<string, Place>> = Object.fromEntries(
  Object.entries({
    root: '@',
    unknown: '{"nope":@}',
    name: '{"name":@}',
    host: '{"host":@}',
    port: '{"port":@}',
    protocol: '{"protocol":@}',
    label: '{"labels":{"a":@}}',
    expiresAt: '{"expiresAt":@}',
    cidr: '{"limits":{"allowCidrs":[@]}}',
    maxBytes: '{"limits":{"maxBytes":@}}',
    faults: '{"faults":@}',
    fault: '{"faults":[@]}',
    faultType: '{"faults":[{"type":@}]}',
    bannerText: '{"faults":[{"type":"banner","text":@}]}',
    bannerBase64: '{"faults":[{"type":"banner","base64":@}]}',
    probability: '{"faults":[{"type":"refuse","probability":@}]}',
    delayMs: '{"faults":[{"type":"latency","delayMs":@}]}',
    cert: '{"protocol":"tls","tls":{"cert":@,"key":@}}',
    ca: '{"protocol":"tls","tls":{"ca":@}}',
    listeners: '{"listeners":@}',
  }).map(([name, text]) => [
    name,
    {
      call: name === 'listeners' ? batch : create,
      around: (value: string) => text.replaceAll('@', () => value),
    },
  ]),
);

export function placeOf(places: Readonly<Record<string, Place>>): fc.Arbitrary<string> {
  return fc.constantFrom(...Object.keys(places));
}

/** A call whose body has this at its place; what it made is gone again. */
export async function sendAt(
  target: Target,
  places: Readonly<Record<string, Place>>,
  name: string,
  inside: string,
): Promise<Sent> {
  const place = places[name];
  if (place === undefined) throw new TypeError(`no place ${name}`);
  return await life(target, { ...place.call, body: place.around(inside) });
}

/** The call, and the end of all listeners that it made: with the create they are one life. */
export async function life(target: Target, ask: Ask): Promise<Sent> {
  const answer = await exchange(target.url, ask);
  const ends = await Promise.all(
    madeBy(answer).map((id) =>
      exchange(target.url, { method: 'DELETE', path: `/v1/listeners/${id}` }),
    ),
  );
  // What is said again in the events of a life is what the call brought.
  return together([answer, ...ends]);
}

function madeBy({ status, text }: Answer): readonly string[] {
  if (status !== 201) return [];
  const { id, listeners = [{ id }] } = JSON.parse(text);
  return listeners.map((listener: { readonly id: string }) => listener.id);
}

/** As many as fit into a body. */
export function filledUpTo(count: number, make: (index: number) => string): string {
  const parts: string[] = [];
  for (let index = 0, bytes = 0; index < count; index += 1) {
    const part = make(index);
    bytes += Buffer.byteLength(part) + 1;
    if (bytes > bodyBytesMax) break;
    parts.push(part);
  }
  return parts.join(',');
}

/** Characters that no compression makes smaller by much: what is written of them is what they weigh. */
export function noise(chars: number): string {
  return randomBytes(Math.ceil((chars * 3) / 4))
    .toString('base64url')
    .slice(0, chars);
}
