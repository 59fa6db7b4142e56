/** A change: what its message says, with its field mask → what the schema of src/api of a change reads. */
import { defaultLimits, limitsPatch } from '../api/limits-input.ts';
import { listenerSchemas } from '../api/listener-input.ts';
import { shorten } from '../api/parse.ts';
import { invalidField } from '../core/errors.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import type { Input } from './message-decoder.ts';

/** No field's path is longer. */
const pathCharsMax = 64;

/**
 * Without a mask what is there is set. With one, what is listed is set, and cleared where it is not there. What it makes
 * throws invalid_argument for a path that is none.
 */
export function changeReader(bounds: ListenerBounds): (request: Input) => Input {
  const clearedFields = fieldsCleared(bounds);
  const clearedLimits = limitsCleared(bounds);
  return ({ updateMask, ...given }) => {
    const { paths = [] } = (updateMask ?? {}) as { readonly paths?: readonly string[] };
    if (paths.length === 0) return given;
    const fields: Input = { ...clearedFields, ...given };
    const limits: Input = { ...clearedLimits, ...(given.limits as Input) };
    const input: Record<string, unknown> = {};
    const listedLimits: Record<string, unknown> = {};
    for (const path of paths) {
      if (path.length > pathCharsMax) throw notInMask(path);
      const [field = '', limit, ...rest] = path.split('.').map(camelCase);
      if (field === 'limits' && rest.length === 0) {
        const names = limit === undefined ? Object.keys(limits) : [limit];
        for (const name of names) listedLimits[name] = fieldOf(limits, name, path);
      } else if (limit !== undefined) {
        throw notInMask(path);
      } else if (field === 'ttlMs' && given.ttlMs === undefined) {
        input.expiresAt ??= null;
      } else {
        input[field] = fieldOf(fields, field, path);
      }
    }
    return Object.keys(listedLimits).length === 0 ? input : { ...input, limits: listedLimits };
  };
}

/** A field that is cleared is as in a listener that was made without it. */
function fieldsCleared(bounds: ListenerBounds): Input {
  const { newListener, patch } = listenerSchemas(bounds);
  const blank: Input = newListener.parse({});
  return Object.fromEntries(Object.keys(patch.shape).map((name) => [name, blank[name]]));
}

/** A limit that is cleared is no bound of its kind; one that every listener has goes back to its default. */
function limitsCleared(bounds: ListenerBounds): Input {
  const blank: Input = { ...defaultLimits(bounds) };
  const entries = Object.entries(limitsPatch(bounds).shape).map(([name, schema]) => {
    return [name, schema.safeParse(null).success ? null : blank[name]];
  });
  return Object.fromEntries(entries);
}

function fieldOf(fields: Input, name: string, path: string): unknown {
  if (!Object.hasOwn(fields, name)) throw notInMask(path);
  return fields[name];
}

function notInMask(path: string) {
  return invalidField('updateMask', `${shorten(path)} is not a field that can change`);
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
