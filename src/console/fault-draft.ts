/**
 * A list of faults while it is edited: what it was, what it is to be, and what lies between. It is sent whole, in one change,
 * so that what is wrong with it is told of all its fields at once.
 */
import type { Fields } from '../faults/fields.ts';

/** What the page knows of a fault; the fields are those of the API. */
export interface FaultKind {
  readonly type: string;
  readonly about: string;
  readonly on: readonly ('stream' | 'datagram')[];
  readonly fields: Fields;
  /** Connections that live already do not meet it. */
  readonly isForNewOnly: boolean;
}

/** As it stands in JSON; a field whose text is no number yet holds the text. */
export type FaultValue = Readonly<Record<string, unknown>>;

export interface DraftFault {
  /** Stays with it wherever it is moved. */
  readonly key: number;
  readonly value: FaultValue;
}

export type Draft = readonly DraftFault[];

export function draftOf(faults: readonly FaultValue[]): Draft {
  return faults.map((value, key) => ({ key, value }));
}

/** A list that a draft began with. */
export interface DraftBase {
  /** The list as JSON. */
  readonly text: string;
  readonly updatedAt: string;
}

/**
 * Whether the listener has another list by now. What the log tells may be older than what a change was answered with: that
 * is no other list, but the one of before.
 */
export function isChangedSince(
  base: DraftBase,
  listener: { readonly faults: readonly FaultValue[]; readonly updatedAt: string },
): boolean {
  return listener.updatedAt >= base.updatedAt && JSON.stringify(listener.faults) !== base.text;
}

export function withAdded(draft: Draft, values: readonly FaultValue[]): Draft {
  const first = Math.max(-1, ...draft.map(({ key }) => key)) + 1;
  return [...draft, ...values.map((value, at) => ({ key: first + at, value }))];
}

export function withMoved(draft: Draft, key: number, by: 1 | -1): Draft {
  const at = draft.findIndex((one) => one.key === key);
  const one = draft[at];
  if (one === undefined || draft[at + by] === undefined) return draft;
  return draft.toSpliced(at, 1).toSpliced(at + by, 0, one);
}

/** At `seed`, or within another at `match.firstN`; undefined and empty text take it away. */
export function withField(draft: Draft, key: number, path: string, given: unknown): Draft {
  return draft.map((one) =>
    one.key === key ? { key, value: changed(one.value, path.split('.'), given) } : one,
  );
}

function changed(value: FaultValue, [name = '', ...rest]: readonly string[], given: unknown) {
  const { [name]: before, ...others } = value;
  const next: unknown =
    rest.length === 0 ? given : changed((before ?? {}) as FaultValue, rest, given);
  return next === undefined || next === '' ? others : { ...others, [name]: next };
}

/** A number where the text is one. What else it is, the API tells. */
export function fieldValue(text: string): unknown {
  return /^-?\d+(\.\d+)?$/.test(text) && String(Number(text)) === text ? Number(text) : text;
}

export function bodyOf(draft: Draft): readonly FaultValue[] {
  return draft.map(({ value }) => value);
}

/** Those that are new, gone or other than before, and one for another order of those that stay. */
export function countChanges(before: Draft, draft: Draft): number {
  const had = new Map(before.map(({ key, value }) => [key, value]));
  const stayed = draft.filter(({ key }) => had.has(key)).map(({ key }) => key);
  const inOrder = before.map(({ key }) => key).filter((key) => stayed.includes(key));
  const isMoved = stayed.some((key, at) => key !== inOrder[at]);
  const other = draft.filter(({ key, value }) => !isSame(had.get(key), value)).length;
  return other + (before.length - stayed.length) + Number(isMoved);
}

/** Whether connections that live meet the change: some faults are only for those still to come. */
export function touchesLiving(
  before: Draft,
  draft: Draft,
  kindOf: (type: unknown) => FaultKind | undefined,
): boolean {
  const part = (list: Draft) => list.filter(({ value }) => !kindOf(value.type)?.isForNewOnly);
  return countChanges(part(before), part(draft)) > 0;
}

function isSame(one: unknown, other: unknown): boolean {
  return plain(one) === plain(other);
}

/** Two of the same fields are the same, in whichever order. */
function plain(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, one]) => `${name}:${plain(one)}`).join()}}`;
}

/** What is wrong with a field of the fault at an index; with an empty path, of the fault as a whole. */
export function issueAt(
  errors: readonly { readonly path: string; readonly message: string }[],
  index: number,
  path: string,
): string | undefined {
  const wanted = `faults[${index}]${path === '' ? '' : `.${path}`}`;
  return errors.find((error) => error.path === wanted)?.message;
}

/** What QA is asked for most, by what it takes. */
export const presets = {
  slowNetwork: [
    { type: 'latency', delayMs: 300, jitterMs: 50, distribution: 'normal' },
    { type: 'bandwidth', bytesPerSecond: 32_000 },
  ],
  flaky: [{ type: 'close', afterBytes: 1, mode: 'rst', probability: 0.3 }],
  resetAfter1kB: [{ type: 'limit', bytes: 1024, action: 'rst' }],
  blackHole: [{ type: 'blackhole' }],
  halfOpen: [{ type: 'close', afterMessages: 1, mode: 'half_close' }],
  lossy: [{ type: 'drop', probability: 0.3 }],
} as const satisfies Readonly<Record<string, readonly FaultValue[]>>;
export type PresetName = keyof typeof presets;

export function suits(kind: FaultKind | undefined, protocol: string): boolean {
  return kind?.on.includes(protocol === 'udp' ? 'datagram' : 'stream') === true;
}
