/** What is said of a field that a request does not have: the field that is near to it, where there is one. */
import { nearestWord } from '../core/nearest-word.ts';

export const unknownField = 'is not a field of this request';

/** Beside the fields that are there. */
export type TellUnknown = (name: string, fields: readonly string[]) => string;

/** Each that is compared costs as much as some kilobytes of JSON. */
const comparedMax = 4;
/** No field has a longer name. */
const nameCharsMax = 32;
const begunCharsMin = 3;

/** For one request: of its unknown fields the first few are compared. */
export function unknownFields(): TellUnknown {
  let compared = 0;
  return (name, fields) => {
    if (compared === comparedMax || name.length > nameCharsMax) return unknownField;
    compared += 1;
    const nearest = begunBy(name, fields) ?? nearestWord(name, fields);
    return nearest === null ? unknownField : `${unknownField}; did you mean ${nearest}?`;
  };
}

/** The only field that begins so: `prot` is rather the beginning of `protocol` than `port` with a slip. */
function begunBy(name: string, fields: readonly string[]): string | null {
  const [begun = null, ...others] = fields.filter((field) => field.startsWith(name));
  return name.length >= begunCharsMin && others.length === 0 ? begun : null;
}
