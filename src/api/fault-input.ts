/** The schemas of faults, as a create or a change gives them, made of what each fault says of its fields. */
import { z } from 'zod';
import type { Fault } from '../core/fault.ts';
import { allFaults, definitionOf } from '../faults/all-faults.ts';
import type { FaultDefinition } from '../faults/fault-definition.ts';
import type { Field } from '../faults/fields.ts';
import { list } from './list.ts';
import { cidr, isWhole, time, wholeNumber } from './values.ts';

const common = {
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

function effectSchema({ type, about, fields }: FaultDefinition) {
  const own = Object.entries(fields).map(([name, field]) => [name, fieldSchema(field)] as const);
  return z.strictObject({
    type: z.literal(type).describe(about),
    ...Object.fromEntries(own),
    ...common,
  });
}

const [first, ...others] = allFaults;

export const fault = z
  .discriminatedUnion('type', [effectSchema(first), ...others.map(effectSchema)])
  .superRefine((value, context) => {
    const { exactlyOneOf: names } = definitionOf(value);
    const given: Readonly<Record<string, unknown>> = value;
    if (names === undefined || names.filter((name) => given[name] !== undefined).length === 1)
      return;
    context.addIssue({ code: 'custom', message: `takes exactly one of ${names.join(', ')}` });
  })
  // The type of a fault and its schema are made of the same fields.
  .transform((value) => value as Fault)
  .meta({ id: 'FaultSpec', examples: [{ type: 'latency', delayMs: 100, jitterMs: 20 }] });

/** A datagram is answered twice at most, or a forged source would be sent many times what it cost. */
export function faultList(faultsMax: number) {
  return list(fault, faultsMax).superRefine((faults, context) => {
    const doubling = faults.flatMap((one, index) =>
      one.enabled && definitionOf(one).isDoubling === true ? [{ index, type: one.type }] : [],
    );
    for (const { index, type } of doubling.slice(1)) {
      const message = `only one ${type} may be enabled: a datagram is answered twice at most`;
      context.addIssue({ code: 'custom', path: [index, 'type'], message });
    }
  });
}
