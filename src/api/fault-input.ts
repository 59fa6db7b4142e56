/** The schemas of faults, as a create or a change gives them, made of what each fault says of its fields. */
import { z } from 'zod';
import { invalidField } from '../core/errors.ts';
import { type Fault, listFaultIssues, nameFaults, type UnnamedFault } from '../core/fault.ts';
import { formatTime } from '../core/time.ts';
import { allFaults, definitionOf } from '../faults/all-faults.ts';
import type { FaultDefinition } from '../faults/fault-definition.ts';
import type { Field } from '../faults/fields.ts';
import { list } from './list.ts';
import { parse } from './parse.ts';
import { cidr, isWhole, name, time, wholeNumber } from './values.ts';

const common = {
  name: name.optional().describe('Unique in the list; made of the type where it is absent.'),
  probability: z
    .number()
    .min(0, { error: 'must be from 0 to 1' })
    .max(1, { error: 'must be from 0 to 1' })
    .default(1)
    .describe('Chance that the fault applies: drawn once a connection, for UDP once a datagram.'),
  seed: wholeNumber(0, 0xffff_ffff)
    .nullable()
    .default(null)
    .describe('The same seed gives the same run.'),
  match: z
    .strictObject({
      cidr: cidr.optional().describe('Only connections from this network.'),
      everyNth: wholeNumber(1, 1e9).optional().describe('Only every nth connection.'),
      firstN: wholeNumber(1, 1e9).optional().describe('Only the first n connections.'),
      afterN: wholeNumber(0, 1e9).optional().describe('Only connections after the first n.'),
    })
    .default({})
    .describe('Which connections the fault is for; all that is given must hold.'),
  enabled: z.boolean().default(true).describe('false keeps it in the list without effect.'),
  expiresAt: time.nullable().default(null).describe('The fault ends by itself at this time.'),
};

/** In the words that every field of its kind has. */
function schemaOf(field: Field): z.ZodType {
  switch (field.kind) {
    case 'whole_number':
      return wholeNumber(field.min, field.max);
    case 'word':
      return z.enum(field.words);
    case 'text':
      return z
        .string()
        .max(field.bytesMax)
        .refine((text) => isWhole(text) && !text.includes('\0'), {
          error: `holds NUL or half a character: give ${field.otherwise}`,
        })
        .refine((text) => Buffer.byteLength(text) <= field.bytesMax, { error: tooLarge(field) });
    case 'base64':
      return z
        .base64()
        .max(4 * Math.ceil(field.bytesMax / 3))
        .refine((text) => Buffer.byteLength(text, 'base64') <= field.bytesMax, {
          error: tooLarge(field),
        });
  }
}

function tooLarge({ bytesMax }: { readonly bytesMax: number }): string {
  return `holds at most ${bytesMax} bytes`;
}

function fieldSchema(field: Field): z.ZodType {
  const given = schemaOf(field);
  const isOptional = 'isOptional' in field && field.isOptional === true;
  const absent = 'default' in field ? given.default(field.default) : given;
  return (isOptional ? absent.optional() : absent).describe(field.about);
}

function effectSchema({ type, about, fields }: FaultDefinition, more: z.ZodRawShape = {}) {
  const own = Object.entries(fields).map(([name, field]) => [name, fieldSchema(field)] as const);
  return z.strictObject({
    type: z.literal(type).describe(about),
    ...Object.fromEntries(own),
    ...common,
    ...more,
  });
}

const [first, ...others] = allFaults;

/** With fields that are no fault's beside its own. */
function faultSchema<More extends z.ZodRawShape>(more: More) {
  return (
    z
      .discriminatedUnion('type', [
        effectSchema(first, more),
        ...others.map((one) => effectSchema(one, more)),
      ])
      .superRefine((value, context) => {
        const { exactlyOneOf: names } = definitionOf(value);
        const given: Readonly<Record<string, unknown>> = value;
        if (names === undefined || names.filter((one) => given[one] !== undefined).length === 1)
          return;
        context.addIssue({ code: 'custom', message: `takes exactly one of ${names.join(', ')}` });
      })
      // The type of a fault and its schema are made of the same fields.
      .transform((value) => value as unknown as UnnamedFault & z.output<z.ZodObject<More>>)
  );
}

export const fault = faultSchema({}).meta({
  id: 'FaultSpec',
  examples: [{ type: 'latency', delayMs: 100, jitterMs: 20 }],
});

/** A datagram is answered twice at most, or a forged source would be sent many times what it cost. */
export function faultList(faultsMax: number) {
  return list(fault, faultsMax)
    .superRefine((faults, context) => {
      for (const [index, field, message] of listFaultIssues(faults)) {
        context.addIssue({ code: 'custom', path: [index, field], message });
      }
    })
    .transform(nameFaults);
}

/** One more of a list, with where it comes. */
export const addedFault = faultSchema({
  before: name.optional().describe('Before the fault of this name; at the end where it is absent.'),
});

/** A change of one: whichever fault it is, its own schema then reads what comes of it. */
export const faultPatch = z.strictObject({
  type: z
    .enum(allFaults.map(({ type }) => type))
    .optional()
    .describe('May be told; a fault stays what it is.'),
  ...Object.fromEntries(
    [...mergedFields(), ...Object.entries(common)].map(([field, schema]) => [
      field,
      unwrapped(schema)
        .nullable()
        .optional()
        .describe(schema.description ?? ''),
    ]),
  ),
});

/** The fields of all faults, by their names: those of one name are of one kind. */
function mergedFields(): readonly (readonly [string, z.ZodType])[] {
  const all = allFaults.flatMap(({ fields }) => Object.entries<Field>(fields));
  const byName = Map.groupBy(all, ([field]) => field);
  return [...byName].map(([field, ones]) => [field, widest(ones.map(([, one]) => one))] as const);
}

function widest(fields: readonly Field[]): z.ZodType {
  const about = [...new Set(fields.map((field) => field.about))].join(' Or: ');
  const numbers = fields.filter((field) => field.kind === 'whole_number');
  const words = fields.flatMap((field) => (field.kind === 'word' ? field.words : []));
  const [only] = fields;
  if (numbers.length === fields.length) {
    const [min, max] = [numbers.map((one) => one.min), numbers.map((one) => one.max)];
    return wholeNumber(Math.min(...min), Math.max(...max)).describe(about);
  }
  if (words.length > 0) return z.enum([...new Set(words)]).describe(about);
  if (only === undefined || fields.some(({ kind }) => kind !== only.kind))
    throw new TypeError('fields of one name differ');
  return schemaOf(only).describe(about);
}

/** What is absent stays, so that no default comes in its place. */
function unwrapped(schema: z.ZodType): z.ZodType {
  const isWrapped =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodNullable;
  return isWrapped ? unwrapped(schema.unwrap() as z.ZodType) : schema;
}

/** The fault with the change in it; null takes a field away. @throws invalid_argument as a fault of its type does */
export function changedFault(before: Fault, change: z.output<typeof faultPatch>): UnnamedFault {
  if (change.type !== undefined && change.type !== before.type) {
    throw invalidField('type', `is ${before.type}: take it away, and add another`);
  }
  const { expiresAt, ...merged }: Readonly<Record<string, unknown>> = { ...before, ...change };
  const text = typeof expiresAt === 'number' ? formatTime(expiresAt) : null;
  const fields = Object.entries({ ...merged, expiresAt: text });
  return parse(fault, Object.fromEntries(fields.filter(([, value]) => value != null)));
}
