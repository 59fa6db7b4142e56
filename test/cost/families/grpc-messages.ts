/** Messages that are large in one way each: repeated fields, maps, masks, unknown fields, groups; and wild ones. */
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { damaged, encode, messagesOf, methods } from '../../hostile/message-values.ts';
import type { Target } from '../cost-world.ts';
import { together } from '../exchange.ts';
import { type Family, family, type Sent } from '../family.ts';
import { callWith, field } from './grpc-calls.ts';

const messageBytesMax = 1_040_000;
/** As in a body of REST: reading, finding the faults, wording them; and protobuf's objects on the way. */
const loop = 6;
const refused = { loop, wal: 8, answerBytes: 65_536 };

const create = '/kodama.v1.ListenerService/CreateListener';

/** Read by hand: in both field 1 is the listener or listeners, and in each of those field 1 is its id. */
function madeBy(path: string, answer: Buffer | null): readonly string[] {
  if (answer === null || !/Create/.test(path)) return [];
  const ids: string[] = [];
  const reader = protobuf.Reader.create(answer);
  while (reader.pos < reader.len) {
    reader.uint32();
    const listener = protobuf.Reader.create(reader.bytes());
    listener.uint32();
    ids.push(listener.string());
  }
  return ids;
}

async function life(target: Target, path: string, message: Buffer): Promise<Sent> {
  const called = await callWith(target, path, message);
  const ends = await Promise.all(
    madeBy(path, called.answer).map((id) =>
      callWith(target, '/kodama.v1.ListenerService/DeleteListener', field(1, id)),
    ),
  );
  return together([called, ...ends]);
}

/** As many of the piece as were asked for and fit. */
function repeated(piece: Buffer, count: number): Buffer {
  const times = Math.min(count, Math.floor(messageBytesMax / piece.length));
  return Buffer.concat(Array.from({ length: times }, () => piece));
}

const update = '/kodama.v1.ListenerService/UpdateListener';
const batchCreate = '/kodama.v1.ListenerService/BatchCreateListeners';
const listEvents = '/kodama.v1.EventService/ListEvents';
const fixture = field(1, 'fixture');

interface Shape {
  readonly path: string;
  readonly make: (count: number) => Buffer;
}

/** Each by the number of its field in proto/kodama/v1. */
const shapes: Readonly<Record<string, Shape>> = {
  'labels, each its own': {
    path: create,
    make: (count) =>
      Buffer.concat(
        Array.from({ length: Math.min(count, 60_000) }, (_, n) =>
          field(2, Buffer.concat([field(1, `k${n}`), field(2, 'v')])),
        ),
      ),
  },
  'labels, all the same': { path: create, make: (n) => repeated(field(2, field(1, 'k')), n) },
  'empty faults': { path: create, make: (n) => repeated(field(8, ''), n) },
  'networks of limits': {
    path: create,
    make: (n) => field(7, repeated(field(9, '10.0.0.0/8'), Math.min(n, 80_000))),
  },
  'limits over and over': { path: create, make: (n) => repeated(field(7, ''), n) },
  'empty listeners': { path: batchCreate, make: (n) => repeated(field(1, ''), n) },
  'listeners that are wrong': {
    path: batchCreate,
    make: (n) => repeated(field(1, field(4, 'x')), n),
  },
  'paths of a mask': {
    path: update,
    make: (n) =>
      Buffer.concat([fixture, field(8, repeated(field(1, 'name'), Math.min(n, 150_000)))]),
  },
  'paths of a mask that are none': {
    path: update,
    make: (n) =>
      Buffer.concat([
        fixture,
        field(
          8,
          Buffer.concat(Array.from({ length: Math.min(n, 80_000) }, (_, at) => field(1, `k${at}`))),
        ),
      ]),
  },
  'a path as long as a message': {
    path: update,
    make: (n) =>
      Buffer.concat([fixture, field(8, field(1, 'limits.'.repeat(Math.min(n, 140_000))))]),
  },
  'a filter of many ids': {
    path: listEvents,
    make: (n) =>
      field(2, repeated(field(1, '00000000-0000-7000-8000-000000000000'), Math.min(n, 25_000))),
  },
  'a filter of many types, packed': {
    path: listEvents,
    make: (n) => field(2, field(3, Buffer.alloc(Math.min(n, messageBytesMax), 1))),
  },
  'a filter of many networks': {
    path: listEvents,
    make: (n) => field(2, repeated(field(5, '10.0.0.0/8'), Math.min(n, 80_000))),
  },
  'unknown fields': { path: create, make: (n) => repeated(field(1000, 'x'), n) },
  'unknown varints': { path: create, make: (n) => repeated(Buffer.from([0xc0, 0x3e, 1]), n) },
  'unknown groups within groups': {
    path: create,
    make: (n) => Buffer.alloc(Math.min(n, messageBytesMax), 0x0b),
  },
  'a name as long as a message': {
    path: create,
    make: (n) => field(1, 'x'.repeat(Math.min(n, messageBytesMax))),
  },
  'certificates that are none': {
    path: create,
    make: (n) => field(9, field(1, '-----BEGIN A-----\n'.repeat(Math.min(n, 50_000)))),
  },
};

const largeMessages = family({
  name: 'messages with a field by the hundred thousands',
  inputs: fc.record({
    shape: fc.constantFrom(...Object.keys(shapes)),
    count: fc.nat({ max: 1_000_000 }),
  }),
  worst: Object.keys(shapes).map((shape) => ({ shape, count: 1_000_000 })),
  runs: 45,
  bounds: refused,
  async send(target, { shape, count }) {
    const { path, make } = shapes[shape] as Shape;
    return await life(target, path, make(count));
  },
});

const wildMessages = family({
  name: 'messages of the hostile tests, twenty at a time',
  inputs: fc.array(
    fc.oneof(
      ...methods.map(({ path, request }) => {
        const bytes = messagesOf(request, { isWild: true }).map((one) => encode(request, one));
        return fc.oneof(bytes, damaged(bytes)).map((all) => ({ path, hex: all.toString('hex') }));
      }),
    ),
    { minLength: 20, maxLength: 20 },
  ),
  worst: [],
  runs: 15,
  // Some of it makes and changes listeners, and reads pages.
  bounds: { loop: 16, wal: 8, answerBytes: 1 << 20 },
  async send(target, asks) {
    const sent = [];
    for (const { path, hex } of asks) {
      sent.push(await life(target, path, Buffer.from(hex, 'hex')));
    }
    return together(sent);
  },
});

export const grpcMessages: readonly Family[] = [largeMessages, wildMessages];
