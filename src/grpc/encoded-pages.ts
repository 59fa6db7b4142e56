/**
 * A page as bytes, a piece of it in each turn of the loop. Messages of one type that stand one behind the other are one
 * message with the items of all: https://protobuf.dev/programming-guides/encoding/#last-one-wins
 */
import type protobuf from 'protobufjs';
import { z } from 'zod';
import type { ItemList, Pace } from '../api/long-pages.ts';
import { ByteSink } from './byte-sink.ts';
import { encoderOf } from './message-encoder.ts';

/** In place of the fields of an answer. */
export class EncodedPage {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

type PageEncoder = (page: object, pace: Pace) => Promise<EncodedPage>;

/** Null for an operation whose answer is no page. */
export function pageEncoderOf(
  { name, input }: { readonly name: string; readonly input: z.ZodType },
  typeOf: (name: string) => protobuf.Type,
): PageEncoder | null {
  const isPage = input instanceof z.ZodObject && 'pageSize' in input.shape;
  if (!isPage) return null;
  return pageEncoder(typeOf(`${name.charAt(0).toUpperCase()}${name.slice(1)}Response`));
}

type Items = ItemList<object, object>;

/** They are the one list among the fields of a page. */
function itemsOf(page: object): readonly [name: string, items: Items] {
  const isList = (value: unknown): value is Items =>
    typeof value === 'object' &&
    value !== null &&
    (Symbol.iterator in value || Symbol.asyncIterator in value);
  for (const [name, value] of Object.entries(page)) if (isList(value)) return [name, value];
  throw new TypeError('a page has a list');
}

function pageEncoder(type: protobuf.Type): PageEncoder {
  const encode = encoderOf(type);
  const sink = new ByteSink();
  const bytesOf = (message: object): Buffer => {
    // An encoder that failed may have left a part of its message.
    sink.at = 0;
    encode(message, sink);
    return sink.take();
  };
  return async (page, pace) => {
    const [name, items] = itemsOf(page);
    const parts = [bytesOf({ ...page, [name]: [] })];
    const pieces = pace.pieces(items);
    let step = await pieces.next();
    for (; step.done !== true; step = await pieces.next()) {
      parts.push(bytesOf({ [name]: step.value }));
    }
    if (step.value !== null) parts.push(bytesOf(step.value));
    return new EncodedPage(Buffer.concat(parts));
  };
}
