/** Bodies that are large in one way each: fields, items, depth, text, digits, PEM; and those of the hostile tests. */
import fc from 'fast-check';
import { spoiled } from '../../hostile/hostile-values.ts';
import { operations, valuesOf } from '../../hostile/schema-values.ts';
import { together } from '../exchange.ts';
import { type Family, family } from '../family.ts';
import {
  bodyBytesMax,
  filledUpTo,
  life,
  listPlaces,
  noise,
  objectPlaces,
  placeOf,
  sendAt,
  valuePlaces,
} from './body-places.ts';

/**
 * Reading may cost what a plain body of the same size costs, and as much again for each of: finding the faults, wording
 * them, and a machine that has other things in its caches.
 */
const loop = 4;
/** Whoever is refused has nothing written for him; what is made is written in its events and its row. */
const wal = 8;
/** A refusal names twenty fields at most. */
const answerBytes = 65_536;
const refused = { loop, wal, answerBytes };

const unknownFields = family({
  name: 'unknown fields by the ten thousands',
  inputs: fc.record({
    place: placeOf(objectPlaces),
    count: fc.nat({ max: 60_000 }),
    digits: fc.integer({ min: 5, max: 200 }),
    value: fc.constantFrom('1', '{}', '""', '[[1]]', 'null'),
    isProto: fc.boolean(),
  }),
  worst: ['create', 'batch', 'listener', 'labels', 'match'].map((place) => ({
    place,
    count: 60_000,
    digits: 5,
    value: '1',
    isProto: false,
  })),
  runs: 25,
  bounds: refused,
  send: (target, { place, count, digits, value, isProto }) =>
    sendAt(
      target,
      objectPlaces,
      place,
      filledUpTo(Math.max(count, 1), (n) =>
        isProto
          ? `"k${n}":{"__proto__":${value}}`
          : `"k${String(n).padStart(digits, '0')}":${value}`,
      ),
    ),
});

/** V8 keeps each name that it meets, and each order of names: what it has met before costs a fraction. */
const newNames = family({
  name: 'names that were never sent before, a few in each object',
  inputs: fc.record({
    place: fc.constantFrom('listeners', 'faults', 'name'),
    names: fc.integer({ min: 1, max: 40_000 }),
    ofEach: fc.constantFrom(1, 2, 3, 10, 100, 1000),
  }),
  worst: [1, 2, 10, 100, 1000].map((ofEach) => ({ place: 'listeners', names: 30_000, ofEach })),
  runs: 15,
  // V8 takes a microsecond for each, and a body may hold thirty thousand: so many has the largest batch.
  bounds: { ...refused, loop: 6 },
  send: (target, { place, names, ofEach }) => {
    const run = noise(3);
    const object = (at: number) =>
      `{${filledUpTo(ofEach, (n) => `"${run}${(at * ofEach + n).toString(36)}":1`)}}`;
    const inside = filledUpTo(Math.ceil(names / ofEach), object);
    return sendAt(target, listPlaces, place, inside);
  },
});

const longLists = family({
  name: 'long lists of faults, networks and listeners',
  inputs: fc.record({
    place: placeOf(listPlaces),
    count: fc.nat({ max: 500_000 }),
    item: fc.constantFrom(
      '1',
      '{}',
      'null',
      '{"type":"refuse"}',
      '{"type":"close"}',
      '{"type":"nope"}',
      '{"nope":1}',
      '{"port":-1}',
      '"10.0.0.0/8"',
      '"::ffff:1.2.3.4/96"',
      '"x"',
    ),
  }),
  worst: [
    { place: 'faults', count: 500_000, item: '1' },
    { place: 'listeners', count: 500_000, item: '{}' },
    { place: 'allowCidrs', count: 500_000, item: '"x"' },
    { place: 'faults', count: 500_000, item: '{"type":"close"}' },
  ],
  runs: 25,
  bounds: refused,
  send: (target, { place, count, item }) =>
    sendAt(
      target,
      listPlaces,
      place,
      filledUpTo(count, () => item),
    ),
});

const depth = family({
  name: 'deep nesting',
  inputs: fc.record({
    place: placeOf(valuePlaces),
    depth: fc.nat({ max: 500_000 }),
    isObject: fc.boolean(),
  }),
  worst: [
    { place: 'root', depth: 500_000, isObject: false },
    { place: 'unknown', depth: 170_000, isObject: true },
    { place: 'faults', depth: 500_000, isObject: false },
  ],
  runs: 20,
  bounds: refused,
  send: (target, { place, depth: wanted, isObject }) => {
    const [open, close] = isObject ? ['{"a":', '}'] : ['[', ']'];
    const levels = Math.min(wanted, Math.floor(bodyBytesMax / (open.length + 1)));
    const value = `${open.repeat(levels)}1${close.repeat(levels)}`;
    return sendAt(target, valuePlaces, place, value);
  },
});

const units = [
  'x',
  ' ',
  '-',
  '\\u0000',
  '\\u00e9',
  '\\\\',
  '\\"',
  '\\n',
  'ﷺ',
  '👩‍👩‍👧‍👦',
  '1.',
  ':',
  'A=',
];

const longText = family({
  name: 'long text, escapes and Unicode',
  inputs: fc.record({
    place: placeOf(valuePlaces),
    unit: fc.constantFrom(...units),
    bytes: fc.nat({ max: 900_000 }),
  }),
  worst: ['name', 'label', 'bannerText', 'bannerBase64', 'expiresAt', 'cidr'].map((place) => ({
    place,
    unit: '\\u0000',
    bytes: 900_000,
  })),
  runs: 40,
  bounds: refused,
  send: (target, { place, unit, bytes }) => {
    const times = Math.min(bytes, place === 'cert' ? 500_000 : bytes) / Buffer.byteLength(unit);
    return sendAt(target, valuePlaces, place, `"${unit.repeat(times)}"`);
  },
});

const digits = family({
  name: 'numbers with thousands of digits',
  inputs: fc.record({
    place: placeOf(valuePlaces),
    count: fc.nat({ max: 900_000 }),
    form: fc.constantFrom('whole', 'fraction', 'exponent', 'negative'),
  }),
  worst: [
    { place: 'port', count: 900_000, form: 'whole' },
    { place: 'probability', count: 900_000, form: 'fraction' },
    { place: 'maxBytes', count: 900_000, form: 'exponent' },
  ],
  runs: 25,
  bounds: refused,
  send: (target, { place, count, form }) => {
    const many = '7'.repeat(Math.max(1, place === 'cert' ? count / 2 : count));
    const number = {
      whole: many,
      fraction: `0.${many}`,
      exponent: `1e${many}`,
      negative: `-${many}`,
    };
    return sendAt(target, valuePlaces, place, number[form as keyof typeof number]);
  },
});

const manyHostile = family({
  name: 'bodies of the hostile tests, twenty at a time',
  inputs: fc.array(
    fc.oneof(
      ...operations
        .filter(({ path, body }) => path.startsWith('/v1/listeners') && body !== null)
        .map(({ method, path, body }) =>
          spoiled(valuesOf(body ?? {})).map((value) => ({
            method,
            path: path.replace(/\{\w+\}/, 'fixture'),
            body: JSON.stringify(value),
          })),
        ),
    ),
    { minLength: 20, maxLength: 20 },
  ),
  worst: [],
  runs: 15,
  // What is made and changed among them costs more than a refusal: a bind, a commit, an answer.
  bounds: { loop: 16, wal, answerBytes },
  async send(target, asks) {
    const sent = [];
    for (const ask of asks) sent.push(await life(target, ask));
    return together(sent);
  },
});

export const restBodies: readonly Family[] = [
  unknownFields,
  newNames,
  longLists,
  depth,
  longText,
  digits,
  manyHostile,
];
