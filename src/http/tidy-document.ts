/** The OpenAPI document as people read it: without what the conversion from zod adds and nobody asked for. */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

/** Returns a tidied copy. */
export function tidyDocument<Document extends object>(document: Document): Document {
  const copy = JSON.parse(JSON.stringify(document));
  const schemas = object(object(copy.components).schemas);
  for (const path of Object.values(copy.paths)) {
    for (const operation of Object.values(object(path))) {
      tidyOperation(object(operation), schemas);
      tellHeaders(object(operation));
    }
  }
  walk(copy, tidySchema);
  dropUnused(copy);
  for (const [name, schema] of Object.entries(schemas)) {
    walk(schema, name.endsWith(inputSuffix) ? tellDefault : openObject);
  }
  return renamed(copy);
}

/** The conversion's name for what is taken, beside what is put out. */
const inputSuffix = 'Input';

function tidyOperation(
  { parameters, requestBody, responses }: JsonObject,
  schemas: JsonObject,
): void {
  for (const parameter of array(parameters)) tidyParameter(object(parameter));
  walk(responses ?? null, openObject);
  if (requestBody === undefined) return;
  const body = object(requestBody);
  const contents = Object.values(object(body.content)).map(object);
  const forms = contents.map((content) => object(content.schema));
  // Where nothing is required, no body at all is all the defaults.
  body.required = forms.some((form) => form.type !== 'object' || form.required !== undefined);
  for (const content of contents) nameBody(content, schemas);
}

/** By the headers that the edge sets, as problem.ts and the routes have them. */
function tellHeaders({ parameters, requestBody, responses }: JsonObject): void {
  const all = object(responses);
  // Only what takes a body can be sent one of a type that it does not take.
  if (requestBody !== undefined) {
    const { content } = object(all.default);
    const description = '`invalid_argument`: the body is of another type, or encoded';
    all['415'] = { description, content: content ?? {} };
  }
  const takesKey = JSON.stringify(parameters ?? []).includes('"idempotency-key"');
  for (const [status, response] of Object.entries(all)) {
    const told = object(response);
    const names = ['x-request-id'];
    if (takesKey) names.push('idempotent-replayed');
    if (String(told.description).includes('`Location`')) names.push('location');
    if (status === '415') names.push('accept-encoding');
    if (status === '401') names.push('www-authenticate');
    if (['429', '503', 'default'].includes(status)) names.push('retry-after');
    told.headers = Object.fromEntries(names.map((name) => [name, headerOf(name)]));
  }
}

const headerTexts: Readonly<Record<string, string>> = {
  'x-request-id': 'Names the request in the log of the server.',
  'idempotent-replayed': '`true` where it is the first answer under the key again; else absent.',
  'accept-encoding': '`identity`, where the body came in a content-encoding; else absent.',
  location: 'Where what was made is from now on.',
  'www-authenticate': 'How a caller makes itself known.',
  'retry-after': 'In how many seconds another try may help.',
};

function headerOf(name: string): JsonObject {
  const type = name === 'retry-after' ? 'integer' : 'string';
  return { description: headerTexts[name] ?? '', schema: { type } };
}

/** A body has its title's name among the components. */
function nameBody(content: JsonObject, schemas: JsonObject): void {
  const schema = object(content.schema);
  const name = `${String(schema.title)}${inputSuffix}`;
  schemas[name] = schema;
  content.schema = { $ref: `#/components/schemas/${name}` };
}

/** Makers of clients take a field with a default for one that is always there: what is taken says it in words. */
function tellDefault(schema: JsonObject): void {
  const { default: value, description } = schema;
  if (value === undefined || typeof description !== 'string') return;
  delete schema.default;
  const isNothing =
    value === null || (typeof value === 'object' && Object.keys(value).length === 0);
  if (!isNothing) schema.description = `${description} Default: ${JSON.stringify(value)}.`;
}

/** What is put out may have more fields one day. */
function openObject(schema: JsonObject): void {
  if (schema.additionalProperties === false) delete schema.additionalProperties;
}

/** A parameter is there or not: that its schema takes null for an absent one is no news to the caller. */
function tidyParameter(parameter: JsonObject): void {
  const schema = object(parameter.schema);
  const forms = array(schema.anyOf).filter((form) => object(form).type !== 'null');
  if (forms.length === 1) {
    delete schema.anyOf;
    parameter.schema = { ...object(forms[0]), ...schema };
  }
  const tidied = object(parameter.schema);
  tidied.description ??= parameter.description ?? '';
  tellDefault(tidied);
  // A page would send what is only there to be seen.
  if (parameter.required !== true) walk(parameter, dropExamples);
  // The description stands at the parameter.
  parameter.description = tidied.description;
  delete tidied.description;
}

function dropExamples(part: JsonObject): void {
  delete part.example;
  delete part.examples;
}

function tidySchema(schema: JsonObject): void {
  // The bounds of every whole number are those of no number in particular.
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  // A variant is called what it is told by.
  const kind = object(object(schema.properties).type).const;
  if (typeof kind === 'string') schema.title ??= kind;
  // A format says it shorter.
  if (schema.format === 'uuid') delete schema.pattern;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
}

function plainName(name: string): string {
  return name.endsWith(inputSuffix) ? name.slice(0, -inputSuffix.length) : name;
}

/** What is only ever taken needs no suffix to tell it from what is put out. */
function renamed<Document extends JsonObject>(document: Document): Document {
  const names = Object.keys(object(object(document.components).schemas));
  const ours = names.filter((name) => !names.includes(plainName(name)));
  const text = ours.reduce((all, name) => {
    const plain = plainName(name);
    return all
      .replaceAll(`"#/components/schemas/${name}"`, `"#/components/schemas/${plain}"`)
      .replaceAll(`"${name}":`, `"${plain}":`);
  }, JSON.stringify(document));
  return JSON.parse(text);
}

/** Components that nothing refers to, such as the input form of what is only ever put out. */
function dropUnused(document: JsonObject): void {
  const schemas = object(object(document.components).schemas);
  for (;;) {
    const text = JSON.stringify(document);
    const unused = Object.keys(schemas).filter(
      (name) => !text.includes(`"#/components/schemas/${name}"`),
    );
    if (unused.length === 0) return;
    for (const name of unused) delete schemas[name];
  }
}

function walk(value: Json, visit: (object: JsonObject) => void): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit);
  else if (value !== null && typeof value === 'object') {
    visit(value);
    for (const item of Object.values(value)) walk(item, visit);
  }
}

function object(value: Json | unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
}

function array(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}
