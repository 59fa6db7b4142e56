/** Changes: what their messages say, with their field masks → what the schemas of src/api of a change read. */
import { limitsPatch } from '../api/limits-input.ts';
import { listenerSchemas } from '../api/listener-input.ts';
import { fixedField, shorten } from '../api/parse.ts';
import { invalidField } from '../core/errors.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import { noQuotas } from '../core/quotas.ts';
import { isTyped, jsonName, typeWord } from './differences.ts';
import type { Input } from './message-decoder.ts';
import { messageType } from './protos.ts';

/** No field's path is longer. */
const pathCharsMax = 64;

/**
 * Without a mask what is there is set. With one, what is listed is set, and cleared where it is not there. What it makes
 * throws invalid_argument for a path that is none.
 */
export function changeReader(bounds: ListenerBounds): (request: Input) => Input {
  const { fixed } = listenerSchemas(bounds);
  return maskedReader(fieldsCleared(bounds), { limits: limitsCleared(bounds) }, fixed);
}

/** As changeReader, of a project. */
export function projectChangeReader(fixed: readonly string[]): (request: Input) => Input {
  const cleared = { displayName: null, quotas: noQuotas, bindHosts: null };
  return maskedReader(cleared, { quotas: noQuotas }, fixed);
}

/** As changeReader, of a node. */
export function nodeChangeReader(fixed: readonly string[]): (request: Input) => Input {
  const cleared = { labels: null, cordoned: null, lostAfterMs: null };
  return maskedReader(cleared, {}, fixed);
}

/** What each field is when it is cleared; those in `within` are each a field of their own, too, and `fixed` never change. */
function maskedReader(
  clearedFields: Input,
  within: Readonly<Record<string, Input>>,
  fixed: readonly string[],
): (request: Input) => Input {
  return ({ updateMask, ...given }) => {
    const paths = pathsOf(updateMask);
    if (paths.length === 0) return given;
    const fields: Input = { ...clearedFields, ...given };
    const input: Record<string, unknown> = {};
    for (const path of paths) {
      const [field = '', part, ...rest] = partsOf(path);
      if (fixed.includes(field)) refuse(path, fixedField);
      const clearedParts = Object.hasOwn(within, field) ? within[field] : undefined;
      if (clearedParts !== undefined && rest.length === 0) {
        const parts: Input = { ...clearedParts, ...(given[field] as Input) };
        const names = part === undefined ? Object.keys(parts) : [part];
        const listed = names.map((name) => [name, fieldOf(parts, name, path)]);
        input[field] = { ...(input[field] as Input), ...Object.fromEntries(listed) };
      } else if (part !== undefined) {
        refuse(path);
      } else {
        input[field] = fieldOf(fields, field, path);
      }
    }
    return input;
  };
}

/** What a path of a mask is about: fields of the input, of faults of one type only where it names that. */
interface FaultFields {
  readonly type: string | null;
  readonly names: readonly string[];
}

/** As changeReader, of one fault: what is cleared goes back to its default. The paths are those of the message. */
export function faultChangeReader(): (request: Input) => Input {
  const fields = faultFields();
  return ({ updateMask, ...given }) => {
    const paths = pathsOf(updateMask);
    if (paths.length === 0) return given;
    const input: Record<string, unknown> = {};
    for (const path of paths) {
      const { type, names } = fields.get(partsOf(path).join('.')) ?? refuse(path);
      if (type !== null) {
        if (input.type !== undefined && input.type !== type) refuse(path);
        // Whether it is a fault of that type will be seen.
        input.type = type;
      }
      const isThere = type === null || given.type === type;
      for (const name of names) input[name] = (isThere ? given[name] : null) ?? null;
    }
    return input;
  };
}

function faultFields(): ReadonlyMap<string, FaultFields> {
  const all = messageType('Fault').fieldsArray.flatMap((field): [string, FaultFields][] => {
    if (!isTyped(field.partOf)) return [[field.name, { type: null, names: [jsonName(field)] }]];
    const own = messageType(field.type).fieldsArray;
    const type = typeWord(field);
    return [
      [field.name, { type, names: own.map(jsonName) }],
      ...own.map((one): [string, FaultFields] => [
        `${field.name}.${one.name}`,
        { type, names: [jsonName(one)] },
      ]),
    ];
  });
  return new Map(all);
}

/** Null takes each away. */
function fieldsCleared(bounds: ListenerBounds): Input {
  const { patch } = listenerSchemas(bounds);
  return Object.fromEntries(Object.keys(patch.shape).map((name) => [name, null]));
}

function limitsCleared(bounds: ListenerBounds): Input {
  return Object.fromEntries(Object.keys(limitsPatch(bounds).shape).map((name) => [name, null]));
}

function pathsOf(mask: unknown): readonly string[] {
  const { paths = [] } = (mask ?? {}) as { readonly paths?: readonly string[] };
  return paths;
}

function partsOf(path: string): readonly string[] {
  if (path.length > pathCharsMax) refuse(path);
  return path.split('.').map(camelCase);
}

function fieldOf(fields: Input, name: string, path: string): unknown {
  if (!Object.hasOwn(fields, name)) refuse(path);
  return fields[name];
}

function refuse(path: string, why = 'is not a field that can change'): never {
  throw invalidField('updateMask', `${shorten(path)} ${why}`);
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
