/**
 * Lists are counted on the wire, before anything is made of their items: an empty message takes two bytes there and
 * some hundred in memory. What is refused here is refused as the schemas of src/api refuse it.
 * https://protobuf.dev/programming-guides/encoding/
 */
import protobuf from 'protobufjs';
import { sourceCidrsMax } from '../api/fleet-operations.ts';
import { filterValuesMax } from '../api/queries.ts';
import { bindHostsMax } from '../api/tenancy-operations.ts';
import { invalidField } from '../core/errors.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import { closeMax } from '../core/named-listeners.ts';
import { scopeWords } from '../tenancy/api-key.ts';
import { isFlat } from './differences.ts';

/** At most so many items in the lists of this name. */
export type ListBounds = ReadonlyMap<string, number>;

const maskPathsMax = 100;
/** A field that is no list is there once; a client that writes more of them gains nothing. */
const repeatsMax = 16;

export function listBounds(bounds: ListenerBounds): ListBounds {
  const filters = ['listenerIds', 'connectionIds', 'types', 'protocols', 'remoteCidrs'];
  return new Map([
    // Of a batch, and of a filter: each schema then counts its own.
    ['listeners', Math.max(bounds.batchMax, filterValuesMax)],
    ['faults', bounds.faultsMax],
    ['labels', bounds.labelsMax],
    ['selector', bounds.labelsMax],
    ['ids', closeMax],
    ...['allowCidrs', 'denyCidrs', 'trustedCidrs'].map((one) => [one, bounds.cidrsMax] as const),
    ...filters.map((one) => [one, filterValuesMax] as const),
    ['paths', maskPathsMax],
    ['bindHosts', bindHostsMax],
    ['scopes', scopeWords.length],
    ['sourceCidrs', sourceCidrsMax],
  ]);
}

interface Field {
  /** In the path of what is in it; empty for what lies flat. */
  readonly name: string;
  readonly max: number;
  readonly isList: boolean;
  /** Of a message: its own fields, by their numbers. */
  readonly fields: ReadonlyMap<number, Field> | null;
  /** Numbers may come many in one piece. */
  readonly isNumber: boolean;
}

/** Makes a check of one type's messages, which throws invalid_argument with the path of a list that is too long. */
export function longListCheck(type: protobuf.Type, bounds: ListBounds): (bytes: Buffer) => void {
  const fields = fieldsOf(type, bounds);
  return (bytes) => {
    const reader = protobuf.Reader.create(bytes);
    check(reader, reader.len, fields, '');
  };
}

function fieldsOf(type: protobuf.Type, bounds: ListBounds): ReadonlyMap<number, Field> {
  const entries = type.fieldsArray.map((field): readonly [number, Field] => {
    field.resolve();
    const isList = field.repeated || field.map;
    const max = isList ? bounds.get(field.name) : repeatsMax;
    if (max === undefined) throw new TypeError(`${field.fullName} has no bound`);
    const inner =
      field.resolvedType instanceof protobuf.Type && !field.map ? field.resolvedType : null;
    const isNumber = !field.map && field.resolvedType instanceof protobuf.Enum;
    const fields = inner && fieldsOf(inner, bounds);
    // A mask is told as one text, whose parts have no name.
    const name = isFlat(field) || field.name === 'paths' ? '' : field.name;
    return [field.id, { name, max, isList, fields, isNumber }];
  });
  return new Map(entries);
}

function check(
  reader: protobuf.Reader,
  end: number,
  fields: ReadonlyMap<number, Field>,
  place: string,
): void {
  const counts = new Map<Field, number>();
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = fields.get(tag >>> 3);
    const isSized = (tag & 7) === 2;
    if (field === undefined || !(field.isList || field.fields !== null)) {
      reader.skipType(tag & 7);
      continue;
    }
    const before = counts.get(field) ?? 0;
    const path = pathOf(field, place, before);
    const itemsEnd = isSized ? reader.uint32() + reader.pos : reader.pos;
    const count = before + (isSized && field.isNumber ? numbers(reader, itemsEnd, field.max) : 1);
    if (count > field.max) throw invalidField(path.list, `holds at most ${field.max}`);
    counts.set(field, count);
    if (!isSized) reader.skipType(tag & 7);
    else if (field.fields !== null) check(reader, itemsEnd, field.fields, path.item);
    else reader.skip(itemsEnd - reader.pos);
  }
}

/** How many numbers come in one piece; no more are counted than make it too long. */
function numbers(reader: protobuf.Reader, end: number, max: number): number {
  let count = 0;
  for (; reader.pos < end && count <= max; count += 1) reader.skipType(0);
  return count;
}

/** As the caller of REST would write it. */
function pathOf({ name, isList }: Field, place: string, index: number) {
  const list = name === '' || place === '' ? place + name : `${place}.${name}`;
  return { list, item: isList ? `${list}[${index}]` : list };
}
