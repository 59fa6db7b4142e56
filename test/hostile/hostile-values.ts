/** What nobody should send, and somebody will. */
import fc from 'fast-check';

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

function nested(depth: number, wrap: (inner: Json) => Json): Json {
  let value: Json = 1;
  for (let level = 0; level < depth; level += 1) value = wrap(value);
  return value;
}

/** An object with a field of its own that is named __proto__. */
function withProto(value: Json): Json {
  return JSON.parse(`{"__proto__": ${JSON.stringify(value)}}`);
}

export const hostileText = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '0',
    '-1',
    '1e3',
    'null',
    'true',
    '\u0000',
    'a\u0000b',
    '\r\nx: y',
    '\ud800',
    'a\udfff',
    '\u202egnp.exe',
    '👩‍👩‍👧‍👦',
    'ﷺ'.repeat(100),
    '__proto__',
    'constructor',
    'toString',
    '../../etc/passwd',
    '%00',
    '%zz',
    "' OR 1=1 --",
    '$1',
    '{{7*7}}',
    '1.2.3.4/33',
    '::ffff:1.2.3.4/96',
    '::1%lo',
    '256.1.1.1',
    '0x7f.1',
    '224.0.0.1',
    'fe80::1',
    '9999-12-31T23:59:59.999999999Z',
    '0000-01-01T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-06-30T23:59:60Z',
    '2026-01-01T00:00:00+99:99',
    '-----BEGIN CERTIFICATE-----',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(70, 300, 70_000).map((length) => 'x'.repeat(length)),
);

export const hostileNumber = fc.oneof(
  fc.constantFrom(-1, -0, 0.5, 1e-9, 65_536, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 63), 1e21, 1e308),
  fc.double(),
);

export const hostileJson: fc.Arbitrary<Json> = fc.oneof(
  hostileText,
  hostileNumber,
  fc.constantFrom<Json>(null, true, false, [], {}, [[]], [null], { '': '' }),
  fc.constantFrom<Json>(
    withProto(1),
    withProto({ port: 1 }),
    { constructor: { prototype: { port: 1 } } },
    nested(2000, (inner) => [inner]),
    nested(2000, (inner) => ({ a: inner })),
    Array.from({ length: 5000 }, () => 0),
    Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`k${index}`, 'v'])),
  ),
);

export const fieldName = fc.oneof(
  fc.constantFrom('nope', '', '__proto__', 'constructor', 'type', 'id', 'ü', 'a.b', '\u0000'),
  fc.string({ unit: 'binary', maxLength: 10 }),
  fc.constant('x'.repeat(10_000)),
);

/** The value with one thing wrong in it: a value that is another, a field that is none or is not there. */
export function spoiled(value: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  const change = fc.oneof(
    fc.record({ kind: fc.constant('replace' as const), value: hostileJson }),
    fc.record({ kind: fc.constant('add' as const), name: fieldName, value: hostileJson }),
    fc.record({ kind: fc.constant('remove' as const) }),
  );
  return fc
    .tuple(value, fc.nat({ max: 1000 }), change)
    .map(([whole, place, one]) => changed(whole, place % countOf(whole), one));
}

type Change =
  | { readonly kind: 'replace'; readonly value: Json }
  | { readonly kind: 'add'; readonly name: string; readonly value: Json }
  | { readonly kind: 'remove' };

function children(value: Json): readonly (readonly [key: string, item: Json])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function countOf(value: Json): number {
  return children(value).reduce((sum, [, item]) => sum + countOf(item), 1);
}

/** Counts down to the place of the change, in the order in which the value is written. */
function changed(value: Json, place: number, change: Change): Json {
  if (place === 0) return changedHere(value, change);
  let left = place - 1;
  const entries = children(value).flatMap(([key, item]): (readonly [string, Json])[] => {
    const at = left;
    left -= countOf(item);
    if (at < 0 || at >= countOf(item)) return [[key, item]];
    return at === 0 && change.kind === 'remove' ? [] : [[key, changed(item, at, change)]];
  });
  return Array.isArray(value) ? entries.map(([, item]) => item) : objectOf(entries);
}

function changedHere(value: Json, change: Change): Json {
  if (change.kind === 'replace') return change.value;
  if (change.kind === 'remove') return null;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return change.value;
  return objectOf([...children(value), [change.name, change.value]]);
}

/** As JSON.parse makes it: a field named __proto__ is one like any other. */
function objectOf(entries: readonly (readonly [string, Json])[]): Json {
  return Object.fromEntries(entries);
}
