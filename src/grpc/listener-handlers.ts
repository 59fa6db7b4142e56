/** ListenerService over the control plane. */
import { z } from 'zod';
import type { ListenerServiceHandlers } from '../../generated/grpc/kodama/v1/ListenerService.ts';
import {
  listenerSchemas,
  toBatch,
  toListenerPatch,
  toNewListener,
} from '../contract/listener-input.ts';
import { parse } from '../contract/parse.ts';
import { listSchemas, toListenerQuery } from '../contract/queries.ts';
import { idOrName, wholeNumber } from '../contract/values.ts';
import type { Edge } from './edge.ts';
import { toListenerMessage } from './listener-messages.ts';
import { batchInput, createInput, listListenersInput } from './requests.ts';
import { updateInput } from './update-request.ts';

export function listenerHandlers(edge: Edge): Omit<ListenerServiceHandlers, symbol> {
  const { control, calls, bounds, clock, limits } = edge;
  const schemas = listenerSchemas(bounds);
  const list = listSchemas(bounds).listeners;
  const reference = z.strictObject({ id: idOrName });
  const removal = reference.extend({ drainMs: wholeNumber(0, limits.drainMsMax).default(0) });
  return {
    CreateListener: calls.unary(async (request) => {
      const input = parse(schemas.newListener, createInput(request));
      const listener = await control.createListener(toNewListener(input, bounds, clock.now()));
      return { listener: toListenerMessage(listener) };
    }),
    BatchCreateListeners: calls.unary(async (request) => {
      const input = parse(schemas.batch, batchInput(request));
      const listeners = await control.createListeners(toBatch(input, bounds, clock.now()));
      return { listeners: listeners.map(toListenerMessage) };
    }),
    GetListener: calls.unary(async ({ id = '' }) => {
      const listener = await control.getListener(parse(reference, { id }).id);
      return { listener: toListenerMessage(listener) };
    }),
    ListListeners: calls.unary(async (request) => {
      const input = parse(list, listListenersInput(request));
      const page = await control.listListeners(toListenerQuery(input), input);
      return {
        listeners: page.items.map(toListenerMessage),
        nextPageToken: page.nextPageToken ?? '',
      };
    }),
    UpdateListener: calls.unary(async (request) => {
      const { id } = parse(reference, { id: request.id ?? '' });
      const input = parse(schemas.patch, updateInput(request, bounds));
      const listener = await control.updateListener(id, toListenerPatch(input, clock.now()));
      return { listener: toListenerMessage(listener) };
    }),
    DeleteListener: calls.unary(async ({ id: name = '', drainMs: drain }) => {
      const { id, drainMs } = parse(removal, { id: name, drainMs: drain });
      await control.deleteListener(id, drainMs);
      return {};
    }),
  };
}
