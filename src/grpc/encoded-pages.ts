/**
 * A page as bytes, a piece of it in each turn of the loop. Messages of one type that stand one behind the other are one
 * message with the items of all: https://protobuf.dev/programming-guides/encoding/#last-one-wins
 */
import type protobuf from 'protobufjs';
import { z } from 'zod';
import type { Pace } from '../api/long-pages.ts';
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

/** Its items are the one list among the fields of a page. */
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
    const fields = Object.entries(page);
    const [name = '', items] = fields.find(([, value]) => Array.isArray(value)) ?? [];
    const parts = [bytesOf({ ...page, [name]: [] })];
    for await (const piece of pace.pieces(items as readonly object[])) {
      parts.push(bytesOf({ [name]: piece }));
    }
    return new EncodedPage(Buffer.concat(parts));
  };
}
