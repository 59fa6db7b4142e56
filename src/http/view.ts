/**
 * A view is what REST shows of what core holds: the fields that the schema of its resource names, in that order, each as
 * the schema has it. What the schema does not name, such as a key, is never shown.
 */
import { z } from 'zod';

/** A view is made of what core holds, and neither is ever changed. */
type Unchanged<Value> = Value extends object
  ? { readonly [Key in keyof Value]: Unchanged<Value[Key]> }
  : Value;

/** What core holds of a resource. */
export type Held<Schema extends z.ZodType> = Unchanged<z.input<Schema>>;
/** What REST shows of it. */
export type Shown<Schema extends z.ZodType> = Unchanged<z.output<Schema>>;

type View<Schema extends z.ZodType> = (held: Held<Schema>) => Shown<Schema>;
type Change = (value: unknown) => unknown;

/** What follows from the schema is worked out once, not with each row. */
export function viewOf<Schema extends z.ZodType>(schema: Schema): View<Schema> {
  const change = changeOf(schema) ?? ((held: unknown) => held);
  return (held) => change(held) as Shown<Schema>;
}

/** Null for what is shown as it is held. */
function changeOf(schema: z.core.SomeType): Change | null {
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodOptional) {
    const change = changeOf(schema.unwrap());
    return change && ((value) => (value == null ? value : change(value)));
  }
  if (schema instanceof z.ZodCodec) {
    const { transform } = schema.def;
    return (value) => transform(value, { value, issues: [] });
  }
  if (schema instanceof z.ZodArray) {
    const change = changeOf(schema.element);
    return change && ((items) => (items as readonly unknown[]).map((item) => change(item)));
  }
  return schema instanceof z.ZodObject ? changeOfObject(schema) : null;
}

type Fields = readonly (readonly [name: string, change: Change | null])[];
type Row = Record<string, unknown>;

function changeOfObject({ shape, def }: z.ZodObject): Change {
  const fields: Fields = Object.entries<z.core.SomeType>(shape).map(([name, schema]) => [
    name,
    changeOf(schema),
  ]);
  if (def.catchall === undefined) return (held) => addFields({}, held as Row, fields);
  // The first field of an open object tells its kind: the fields of that kind follow it, as they are.
  const kind = fields.slice(0, 1);
  const others = fields.slice(1);
  return (value) => {
    const held = value as Row;
    const shown = addFields({}, held, kind);
    for (const name of Object.keys(held)) {
      if (!Object.hasOwn(shape, name)) shown[name] = held[name];
    }
    return addFields(shown, held, others);
  };
}

function addFields(shown: Row, held: Row, fields: Fields): Row {
  for (const [name, change] of fields) {
    shown[name] = change === null ? held[name] : change(held[name]);
  }
  return shown;
}
