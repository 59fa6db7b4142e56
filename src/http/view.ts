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
type Decode = (value: unknown) => unknown;

/**
 * Compiled once a schema, as zod compiles its own: a loop over the fields costs a row half as much again as code that
 * names them. The code is made of the schema's names alone.
 */
export function viewOf<Schema extends z.ZodType>(schema: Schema): View<Schema> {
  const decoders: Decode[] = [];
  const code = codeOf(schema, 'held', decoders);
  return new Function('decoders', `return (held) => (${code})`)(decoders);
}

/** An expression for the view of `value`, which is one itself and cheap to say twice. */
function codeOf(schema: z.core.SomeType, value: string, decoders: Decode[]): string {
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodOptional) {
    const inner = codeOf(schema.unwrap(), value, decoders);
    return inner === value ? value : `(${value} == null ? ${value} : ${inner})`;
  }
  if (schema instanceof z.ZodCodec) {
    const { transform } = schema.def;
    decoders.push((held) => transform(held, { value: held, issues: [] }));
    return `decoders[${decoders.length - 1}](${value})`;
  }
  if (schema instanceof z.ZodArray) {
    const each = codeOf(schema.element, 'each', decoders);
    return each === 'each' ? value : `${value}.map((each) => (${each}))`;
  }
  return schema instanceof z.ZodObject ? fieldsCode(schema, value, decoders) : value;
}

function fieldsCode({ shape, def }: z.ZodObject, value: string, decoders: Decode[]): string {
  const names = Object.keys(shape).map((name) => JSON.stringify(name));
  const fields = Object.values<z.core.SomeType>(shape).map((schema, index) => {
    const name = names[index];
    return `${name}: ${codeOf(schema, `${value}[${name}]`, decoders)}`;
  });
  if (def.catchall === undefined) return `({ ${fields.join(', ')} })`;
  // The first field of an open object tells its kind: the fields of that kind follow it, as they are.
  const [kind, ...others] = fields;
  const named = names.map((name, index) => `${name}: _${index}`);
  const rest = `(({ ${named.join(', ')}, ...rest }) => rest)(${value})`;
  return `({ ${kind}, ...${rest}, ${others.join(', ')} })`;
}
