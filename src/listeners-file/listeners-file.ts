/**
 * A file of listeners: what should listen, by name. Its own shape is checked here; what a listener may be the API knows,
 * which refuses it by the same names.
 */
import { readFileSync } from 'node:fs';

export type Fields = Readonly<Record<string, unknown>>;
/** A body of POST /v1/listeners. */
export type WantedListener = Fields & { readonly name: string };

export interface ListenersFile {
  /** The label `set` of all of them. */
  readonly set: string | null;
  readonly listeners: readonly WantedListener[];
}

/** A path, or a descriptor that is open. @throws Error that says what is wrong with it, and where */
export async function readListenersFile(file: string | number): Promise<ListenersFile> {
  // Only what reads such a file needs it.
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    // What the reader throws of a file that is wrong may look like a bug of ours. Below its first line it shows the place.
    const [line = ''] = (cause as Error).message.trim().split('\n');
    // Whoever tells it names the file, as the system does.
    throw new Error(line.replace(/:$|, (open|read)( '.*')?$/, ''), { cause });
  }
  return toListenersFile(value);
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
  const { name } = value;
  if (typeof name !== 'string') throw new Error(`${place}.name is required`);
  if (set === null) return { ...value, name };
  const labels = isFields(value.labels) ? value.labels : {};
  return { ...value, name, labels: { ...labels, set } };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
