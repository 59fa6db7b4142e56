/** From an operation to its call: what a request says is its input, and its output is what the answer says. */
import { z } from 'zod';
import type { Api } from '../api/call.ts';
import type { Operation } from '../api/operation.ts';
import { parse } from '../api/parse.ts';
import type { Calls } from './calls.ts';
import { pageEncoderOf } from './encoded-pages.ts';
import type { Input } from './message-decoder.ts';
import { messageType } from './protos.ts';

interface OperationCall<Output> {
  /** The fields of the answer. */
  readonly answer: (output: Output) => object;
  /** The operation's input, where it is not what the request says. */
  readonly plain?: (request: Input) => Input;
}

export function operationCall<At extends z.ZodType, Asked extends z.ZodType, Output>(
  { api, calls }: { readonly api: Api; readonly calls: Calls },
  operation: Operation<At, Asked, Output>,
  { answer, plain = (request) => request }: OperationCall<Output>,
) {
  // The fields that name the thing that a request is about; the others are the input.
  const names = operation.at instanceof z.ZodObject ? Object.keys(operation.at.shape) : [];
  const encoder = pageEncoderOf(operation, messageType);
  return calls.unary(async (request: Input, context) => {
    const [at, rest] = parted(request, names);
    using answered = await api.call(operation, {
      caller: context.caller,
      read: () => ({
        at: parse(operation.at, at),
        input: parse(operation.input, plain(rest)),
      }),
      key: context.idempotencyKey,
    });
    if (answered.isReplayed) context.sendMetadata('idempotent-replayed', 'true');
    const fields = answer(answered.output);
    return encoder === null ? fields : await encoder(fields, answered.pace);
  });
}

function parted(request: Input, names: readonly string[]): readonly [named: Input, rest: Input] {
  const fields = Map.groupBy(Object.entries(request), ([name]) => names.includes(name));
  return [Object.fromEntries(fields.get(true) ?? []), Object.fromEntries(fields.get(false) ?? [])];
}
