/** A file of listeners: what should listen, by name. It is checked whole, before anything is done of it. */
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { listenerSchemas } from '../api/listener-input.ts';
import { read } from '../api/parse.ts';
import { AppError, type FieldError } from '../core/errors.ts';
import type { NewTls } from '../core/listener.ts';
import { defaultBounds } from '../core/listener-bounds.ts';
import { checkGiven } from '../tls/certificates.ts';

export type Fields = Readonly<Record<string, unknown>>;
/** A body of POST /v1/listeners. */
export type WantedListener = Fields & { readonly name: string };

export interface ListenersFile {
  /** The label `set` of all of them. */
  readonly set: string | null;
  readonly listeners: readonly WantedListener[];
}

/** What the API would refuse of its listeners, told by their names, a line each. */
export class WrongFields extends Error {
  override readonly name = 'WrongFields';
  readonly errors: readonly FieldError[];

  constructor(errors: readonly FieldError[]) {
    super(errors.map(({ path, message }) => `${path}: ${message}`).join('\n'));
    this.errors = errors;
  }
}

/** `source` is a path, or whatever ends once it is read. @throws WrongFields, Error that says what else is wrong with it, and where */
export async function readListenersFile(source: string | Readable): Promise<ListenersFile> {
  // Only what reads such a file needs it.
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(typeof source === 'string' ? readFileSync(source, 'utf8') : await text(source));
  } catch (cause) {
    // What the reader throws of a file that is wrong may look like a bug of ours. Below its first line it shows the place.
    const [line = ''] = (cause as Error).message.trim().split('\n');
    // Whoever tells it names the file, as the system does.
    throw new Error(line.replace(/:$|, (open|read)( '.*')?$/, ''), { cause });
  }
  const listenersFile = toListenersFile(value);
  const wrong = wrongFields(listenersFile.listeners);
  if (wrong.length > 0) throw new WrongFields(wrong);
  return listenersFile;
}

/** What the API would refuse of them. */
export function wrongFields(listeners: readonly WantedListener[]): readonly FieldError[] {
  const { newListener } = listenerSchemas(defaultBounds);
  return listeners.flatMap((wanted) => {
    const result = read(newListener, wanted);
    const errors = 'errors' in result ? result.errors : wrongTls(result.data.tls ?? {});
    const placed = (path: string) => (path === '' ? wanted.name : `${wanted.name}.${path}`);
    return errors.map(({ path, message }) => ({ path: placed(path), message }));
  });
}

/** A node would tell of it only where what it takes the place of is closed already. */
function wrongTls({ cert = null, key = null, ca = null }: Partial<NewTls>): readonly FieldError[] {
  try {
    checkGiven({ cert, key, ca });
    return [];
  } catch (error) {
    if (!(error instanceof AppError) || error.details.errors === undefined) throw error;
    return error.details.errors;
  }
}

export function toListenersFile(value: unknown): ListenersFile {
  if (!isFields(value)) throw new Error('must hold `listeners`, a list');
  const { set = null, listeners, ...others } = value;
  const [stranger] = Object.keys(others);
  if (stranger !== undefined) throw new Error(`${stranger} is none of set and listeners`);
  if (set !== null && typeof set !== 'string') throw new Error('set must be text');
  if (!Array.isArray(listeners)) throw new Error('listeners must be a list');
  const wanted = listeners.map((each: unknown, index) => toWanted(each, index, set));
  const names = wanted.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`${twice} is there twice`);
  return { set, listeners: wanted };
}

function toWanted(value: unknown, index: number, set: string | null): WantedListener {
  const place = `listeners[${index}]`;
  if (!isFields(value)) throw new Error(`${place} must be a listener`);
  const { name, labels = {} } = value;
  if (typeof name !== 'string') throw new Error(`${place}.name is required`);
  // What are no labels is refused with the rest.
  if (set === null || !isFields(labels)) return { ...value, name };
  return { ...value, name, labels: { ...labels, set } };
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
