/** From an operation to its call: what of the request is its input, and the message that answers. */
import type { z } from 'zod';
import type { Api } from '../api/call.ts';
import type { Given, Operation } from '../api/operation.ts';
import { parse } from '../contract/parse.ts';
import type { Calls } from './calls.ts';

interface OperationCall<Request, Output, Response> {
  /** The input as REST's JSON has it, for the operation's schemas to read. */
  plain(request: Request): Partial<Given<unknown, unknown>>;
  answer(output: Output): Response;
}

export function operationCall<
  At extends z.ZodType,
  Input extends z.ZodType,
  Output,
  Request,
  Response,
>(
  { api, calls }: { readonly api: Api; readonly calls: Calls },
  operation: Operation<At, Input, Output>,
  { plain, answer }: OperationCall<Request, Output, Response>,
) {
  return calls.unary<Request, Response>(async (request, context) => {
    const { output, isReplayed } = await api.call(operation, {
      caller: context.caller,
      read() {
        const { at = {}, input = {} } = plain(request);
        return { at: parse(operation.at, at), input: parse(operation.input, input) };
      },
      key: context.idempotencyKey,
    });
    if (isReplayed) context.sendMetadata('idempotent-replayed', 'true');
    return answer(output);
  });
}
