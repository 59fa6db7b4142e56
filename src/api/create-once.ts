/** Listeners are made once, however often they are asked for under one key; what is refused of one is told by its place. */
import type { Caller } from '../core/caller.ts';
import { AppError, hasCode } from '../core/errors.ts';
import type { Listener, NewListener } from '../core/listener.ts';
import { foundOrMade, type Run } from './idempotency.ts';
import type { World } from './world.ts';

/** Creates them, unless a run that was lost did: then they are there, all of them. */
export async function createOnce(
  { control }: World,
  caller: Caller,
  inputs: readonly NewListener[],
  run: Run | null,
  { from }: { readonly from?: 'listeners' | 'ports' } = {},
): Promise<readonly Listener[]> {
  const ids = run?.ids(inputs.length) ?? [];
  const find = () => madeOf(control, caller, ids);
  try {
    return await foundOrMade(run, find, () => control.createListeners(caller, inputs, ids));
  } catch (error) {
    throw placed(error, from);
  }
}

/** What is about one of several is told by its place in what the caller gave. */
function placed(error: unknown, from: 'listeners' | 'ports' | undefined): unknown {
  if (!(error instanceof AppError) || error.details.item === undefined) return error;
  const { code, message, cause } = error;
  const { item, errors = [], ...details } = error.details;
  if (from !== 'listeners') {
    const told = errors.map((one) => (from && one.path === 'port' ? { ...one, path: from } : one));
    return new AppError(code, message, { ...details, errors: told, cause });
  }
  const place = `listeners[${item}]`;
  const isOfField = errors.some(({ path }) => message.startsWith(`${path}: `));
  const text = `${place}${isOfField ? '.' : ': '}${message}`;
  const told = errors.map((one) => ({ ...one, path: `${place}.${one.path}` }));
  return new AppError(code, text, { ...details, errors: told, cause });
}

/** Those that were made together; null where they were not. */
async function madeOf(
  control: World['control'],
  caller: Caller,
  [first = '', ...rest]: readonly string[],
): Promise<readonly Listener[] | null> {
  const get = (id: string) => control.getListener(caller, id);
  try {
    await get(first);
  } catch (error) {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  }
  return await Promise.all([first, ...rest].map(get));
}
