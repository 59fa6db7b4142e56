/**
 * The fields of a fault as data, so that whoever reads a request makes a schema of them, and a worker, which is given
 * what was read, needs none.
 */

interface Described {
  /** In the words of the API. */
  readonly about: string;
}

export interface WholeNumberField extends Described {
  readonly kind: 'whole_number';
  readonly min: number;
  readonly max: number;
  readonly default?: number;
  readonly isOptional?: true;
}

export interface WordField extends Described {
  readonly kind: 'word';
  readonly words: readonly string[];
  readonly default: string;
}

/** Text that is sent: whole characters without NUL, so that it is stored as it was given. */
export interface TextField extends Described {
  readonly kind: 'text';
  /** In UTF-8. */
  readonly bytesMax: number;
  /** The field that takes any bytes. */
  readonly otherwise: string;
  readonly isOptional: true;
}

export interface Base64Field extends Described {
  readonly kind: 'base64';
  /** Of what it stands for. */
  readonly bytesMax: number;
  readonly isOptional: true;
}

export type Field = WholeNumberField | WordField | TextField | Base64Field;
export type Fields = Readonly<Record<string, Field>>;

export const milliseconds = { kind: 'whole_number', min: 0, max: 86_400_000 } as const;
/** Of a count that has no other end. */
export const bytesMax = Number.MAX_SAFE_INTEGER;
/** A read of a connection with faults is no longer. */
export const readBytesMax = 65_536;

type ValueOf<Given extends Field> = Given extends { readonly words: readonly (infer Word)[] }
  ? Word
  : Given extends WholeNumberField
    ? number
    : string;

type OptionalOf<Of extends Fields> = {
  [Name in keyof Of]: Of[Name] extends { readonly isOptional: true } ? Name : never;
}[keyof Of];

/** A fault of that type with a value for each of its fields: what has a default is never absent. */
export type EffectOf<Type extends string, Of extends Fields = Record<never, never>> = {
  readonly type: Type;
} & {
  readonly [Name in Exclude<keyof Of, OptionalOf<Of>>]: ValueOf<Of[Name]>;
} & { readonly [Name in OptionalOf<Of>]?: ValueOf<Of[Name]> };
