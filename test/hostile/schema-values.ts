/** JSON Schema, as openapi.json has it → arbitraries of what fits it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { fieldName, hostileText, type Json } from './hostile-values.ts';

export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly const?: Json;
  readonly enum?: readonly Json[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly propertyNames?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly examples?: readonly Json[];
}

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: 'path' | 'query' | 'header';
    readonly schema: Schema;
  }[];
  readonly body: Schema | null;
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

interface RawOperation {
  readonly parameters?: Operation['parameters'];
  readonly requestBody?: {
    readonly content: { readonly 'application/json': { readonly schema: Schema } };
  };
}

const document = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../openapi.json'), 'utf8'),
) as OpenApi;

export const operations: readonly Operation[] = Object.entries(document.paths).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      parameters,
      body: requestBody?.content['application/json'].schema ?? null,
    })),
);

/** Values of the schema, now and then one that only its type allows. */
export function valuesOf(schema: Schema): fc.Arbitrary<Json> {
  if (schema.$ref !== undefined) {
    const target = document.components.schemas[schema.$ref.split('/').at(-1) ?? ''];
    if (target === undefined) throw new TypeError(`no ${schema.$ref}`);
    return valuesOf(target);
  }
  const forms = schema.anyOf ?? schema.oneOf;
  if (forms !== undefined) return fc.oneof(...forms.map(valuesOf));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'object':
      return objectsOf(schema);
    case 'array':
      return fc.array(valuesOf(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: 3,
      });
    case 'integer':
      return integersOf(schema);
    case 'number':
      return fc.double({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'string':
      return textsOf(schema);
    default:
      return fc.constant(null);
  }
}

function objectsOf(schema: Schema): fc.Arbitrary<Json> {
  const { properties = {}, required = [], additionalProperties } = schema;
  if (typeof additionalProperties === 'object') {
    const name = textsOf(schema.propertyNames ?? {});
    return fc.dictionary(name, valuesOf(additionalProperties), {
      maxKeys: 3,
      noNullPrototype: true,
    });
  }
  const fields = Object.entries(properties).map(([name, field]) => {
    const weight = required.includes(name) ? 30 : 1;
    const value = fc.oneof({ weight, arbitrary: valuesOf(field) }, absent);
    return value.map((one): (readonly [string, Json])[] =>
      one === undefined ? [] : [[name, one]],
    );
  });
  return fc.tuple(...fields).map((given) => Object.fromEntries(given.flat()));
}

const absent = { weight: 4, arbitrary: fc.constant(undefined) };

/** Mostly small, as people give them, and the bounds themselves. */
function integersOf({ minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: Schema) {
  const small = fc.integer({ min: minimum, max: Math.min(maximum, minimum + 70_000) });
  return fc.oneof(small, fc.constantFrom(minimum, maximum));
}

const byFormat: Readonly<Record<string, fc.Arbitrary<string>>> = {
  uuid: fc.uuid({ version: 7 }),
  'date-time': fc
    .date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
};
/** Text that is an address, a network, an id, PEM or nothing of the kind. */
const words = fc.constantFrom(
  '127.0.0.1',
  '127.0.0.2',
  '::1',
  'localhost',
  '10.0.0.0/8',
  '::/0',
  'fixture',
  '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n',
);

function textsOf({ pattern, format, examples = [] }: Schema): fc.Arbitrary<string> {
  const known = format === undefined ? undefined : byFormat[format];
  if (known !== undefined) return fc.oneof({ weight: 20, arbitrary: known }, hostileText);
  const given = examples.filter((one) => typeof one === 'string');
  if (given.length > 0) {
    return fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...given) }, words);
  }
  if (pattern === undefined) return fc.oneof({ weight: 20, arbitrary: words }, fieldName);
  return /\\p|\\x/.test(pattern) ? words : fc.stringMatching(new RegExp(pattern, 'u'));
}
