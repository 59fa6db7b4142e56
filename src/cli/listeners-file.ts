/**
 * A file of listeners: what should listen, by name. Its own shape is checked here; what a listener may be the API knows,
 * which refuses it by the same names.
 */
import { readFileSync } from 'node:fs';
import { failed } from './failure.ts';

export type Fields = Readonly<Record<string, unknown>>;
/** A body of POST /v1/listeners. */
export type WantedListener = Fields & { readonly name: string };

export interface ListenersFile {
  /** The label `set` of all of them. */
  readonly set: string | null;
  readonly listeners: readonly WantedListener[];
}

/** `-` is what comes on stdin. @throws CommandFailure that says what is wrong with it, and where */
export async function readListenersFile(path: string): Promise<ListenersFile> {
  // Only these commands need it.
  const { parse } = await import('yaml');
  const text = readText(path);
  try {
    return toListenersFile(parse(text));
  } catch (error) {
    throw failed(`${path}: ${(error as Error).message}`);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw failed(`${path}: ${(error as Error).message}`);
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
  const { name } = value;
  if (typeof name !== 'string') throw new Error(`${place}.name is required`);
  if (set === null) return { ...value, name };
  const labels = isFields(value.labels) ? value.labels : {};
  return { ...value, name, labels: { ...labels, set } };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
