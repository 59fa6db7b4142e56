import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { want } from '../../test/support/rest-client.ts';
import { restEdge } from '../../test/support/rest-edge.ts';
import { openApiDocument } from './openapi-document.ts';

type Json = { readonly [key: string]: Json } | readonly Json[] | string | number | boolean | null;

const document = JSON.parse(JSON.stringify(await openApiDocument()));

/** Each value of the document with its path. */
function* walk(
  value: Json,
  path: readonly string[] = [],
): Generator<[path: string[], value: Json]> {
  yield [[...path], value];
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) yield* walk(item, [...path, key]);
}

const operations: readonly [string, Record<string, Json>][] = Object.entries(
  document.paths as Record<string, Record<string, Record<string, Json>>>,
).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]): [string, Record<string, Json>] => [
    `${method} ${path}`,
    operation,
  ]),
);

test('the committed document is this one', () => {
  const committed = readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8');
  expect(JSON.parse(committed)).toEqual(document);
});

test('a server serves this document', async () => {
  await using edge = await restEdge();
  const served = await want(200, edge, 'GET', '/openapi.json');
  expect({ ...served, info: document.info }).toEqual(document);
});

test('it holds every call of the API', () => {
  expect(operations.map(([name]) => name)).toEqual([
    'post /v1/listeners',
    'get /v1/listeners',
    'post /v1/listeners:batch',
    'get /v1/listeners/{listener}',
    'patch /v1/listeners/{listener}',
    'delete /v1/listeners/{listener}',
    'post /v1/listeners:close',
    'post /v1/listeners/{listener}/faults',
    'patch /v1/listeners/{listener}/faults/{fault}',
    'delete /v1/listeners/{listener}/faults/{fault}',
    'post /v1/listeners/{listener}/faults:reset',
    'get /v1/connections',
    'get /v1/connections:wait',
    'get /v1/connections/{id}',
    'post /v1/connections/{id}:close',
    'get /v1/events:wait',
    'get /v1/events',
    'get /v1/projects/self',
    'get /v1/quotas',
    'post /v1/projects',
    'get /v1/projects',
    'get /v1/projects/{name}',
    'patch /v1/projects/{name}',
    'delete /v1/projects/{name}',
    'post /v1/keys',
    'get /v1/keys',
    'post /v1/keys/{id}:rotate',
    'get /v1/keys/{id}',
    'patch /v1/keys/{id}',
    'delete /v1/keys/{id}',
    'get /v1/audit',
    'get /v1/nodes',
    'get /v1/nodes/{node}',
    'patch /v1/nodes/{node}',
    'delete /v1/nodes/{node}',
    'post /v1/join-tokens',
    'get /v1/join-tokens',
    'delete /v1/join-tokens/{id}',
    'get /v1/join-tokens/{id}',
    'get /v1/status',
    'get /healthz',
    'get /readyz',
    'get /metrics',
  ]);
});

test('every operation says what it does, and how it fails', () => {
  for (const [name, operation] of operations) {
    expect(operation, name).toMatchObject({
      operationId: expect.any(String),
      summary: expect.any(String),
      description: expect.any(String),
      tags: [expect.any(String)],
    });
    const responses = operation.responses as Record<string, Record<string, Json>>;
    for (const [status, response] of Object.entries(responses)) {
      expect(response.description, `${name} ${status}`).not.toBe('Default Response');
      if (Number(status) < 400) continue;
      expect(response.content, `${name} ${status}`).toEqual({
        'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
      });
    }
    if (name !== 'get /healthz') expect(Object.keys(responses)).toContain('503');
    expect(Object.keys(responses), name).toEqual(expect.arrayContaining(['404', '429', 'default']));
  }
});

test('every POST takes an Idempotency-Key, and tells of one that was used; nothing else does', () => {
  const told = operations.map(([name, { parameters, responses }]) => {
    const isTaken = JSON.stringify(parameters ?? []).includes('"idempotency-key"');
    return [name, isTaken, Object.keys(responses as object).includes('422')];
  });
  expect(told.filter(([, isTaken]) => isTaken)).not.toHaveLength(0);
  expect(told).toEqual(
    operations.map(([name]) => [name, name.startsWith('post '), name.startsWith('post ')]),
  );
});

test('what takes a body tells of 415, and each answer of the headers that it has', async () => {
  for (const [name, { requestBody, responses }] of operations) {
    expect(Object.keys(responses as object).includes('415'), name).toBe(requestBody !== undefined);
    for (const [status, { headers }] of Object.entries(responses as Record<string, Json>) as [
      string,
      { headers: object },
    ][]) {
      const names = Object.keys(headers);
      expect(names, `${name} ${status}`).toContain('x-request-id');
      expect(names.includes('www-authenticate'), `${name} ${status}`).toBe(status === '401');
      expect(names.includes('retry-after'), `${name} ${status}`).toBe(
        ['429', '503', 'default'].includes(status),
      );
    }
  }
  await using edge = await restEdge();
  const { responses } = document.paths['/v1/listeners'].post;
  const send = (headers: Record<string, string>, body: string) =>
    fetch(`${edge.url}/v1/listeners`, { method: 'POST', body, headers });
  const json = { 'content-type': 'application/json', 'idempotency-key': 'told' };
  const told = ['accept-encoding', 'idempotent-replayed', 'location', 'retry-after'];
  for (const [status, response] of [
    [201, await send(json, '{}')],
    [201, await send(json, '{}')],
    [415, await send({ 'content-type': 'text/plain' }, '{}')],
    [415, await send({ 'content-type': 'application/json', 'content-encoding': 'gzip' }, '{}')],
  ] as const) {
    expect(response.status).toBe(status);
    const sent = [...response.headers.keys()].filter((one) => told.includes(one));
    expect(Object.keys(responses[status].headers)).toEqual(expect.arrayContaining(sent));
  }
});

test('every call takes the project that it is about', () => {
  const takers = operations.filter(([, { parameters }]) =>
    JSON.stringify(parameters ?? []).includes('"kodama-project"'),
  );
  const calls = operations.filter(([name]) => name.includes(' /v1/'));
  expect(takers.map(([name]) => name)).toEqual(calls.map(([name]) => name));
});

test('every parameter and field is described', () => {
  const bare: string[] = [];
  for (const [path, value] of walk(document)) {
    const isField = path.at(-2) === 'properties';
    const isParameter = path.at(-2) === 'parameters';
    if (!(isField || isParameter) || typeof value !== 'object' || value === null) continue;
    if (!('description' in value) && !('$ref' in value)) bare.push(path.join('/'));
  }
  expect(bare).toEqual([]);
});

test('every reference has its target, and every component its use', () => {
  const references = [...walk(document)]
    .filter(([path]) => path.at(-1) === '$ref')
    .map(([, value]) => String(value));
  const components = Object.keys(document.components.schemas);
  expect([...new Set(references)].sort()).toEqual(
    components.map((name) => `#/components/schemas/${name}`).sort(),
  );
  expect(components.filter((name) => name.endsWith('Input'))).toEqual([]);
});

test('input names its fields, output may grow', () => {
  const inputs = new Set([
    'FaultSpec',
    'NewListener',
    'NewListeners',
    'ListenerPatch',
    'ConnectionClose',
    'ListenersClose',
    'AddedFault',
    'FaultPatch',
    'NewProject',
    'ProjectPatch',
    'NewKey',
    'KeyPatch',
    'KeyRotation',
    'NodePatch',
    'NewJoinToken',
  ]);
  const isOutput = ([name]: [string, unknown]) => !inputs.has(name);
  const schemas: Record<string, Json> = document.components.schemas;
  const outputs = Object.fromEntries(Object.entries(schemas).filter(isOutput));
  expect(Object.keys(outputs)).toHaveLength(Object.keys(schemas).length - inputs.size);
  const closed = [...walk(outputs)].filter(
    ([path, value]) => path.at(-1) === 'additionalProperties' && value === false,
  );
  expect(closed.map(([path]) => path.join('/'))).toEqual([]);
  expect(document.components.schemas.NewListener.additionalProperties).toBe(false);
  expect(document.paths['/v1/listeners'].post.requestBody.required).toBe(false);
});

test('a page fills in a body that works, and no parameter that nobody asked for', () => {
  for (const [name, operation] of operations) {
    const { parameters = [], requestBody } = operation as Record<string, Json>;
    for (const parameter of parameters as Record<string, Json>[]) {
      if (parameter.required === true) continue;
      const keys = [...walk(parameter)].map(([path]) => path.at(-1));
      const sent = keys.filter((key) => /^(examples?|default)$/.test(key ?? ''));
      expect(sent, `${name} ${String(parameter.name)}`).toEqual([]);
    }
    if (requestBody === undefined) continue;
    const { content } = requestBody as { content: Record<string, Record<string, Json>> };
    for (const { schema, examples } of Object.values(content)) {
      expect(schema, name).toEqual({ $ref: expect.stringMatching(/^#\/components\/schemas\//) });
      expect(examples, name).toMatchObject({ example1: { value: expect.anything() } });
    }
  }
});

test('variants have titles, and what is taken says its defaults in words', () => {
  const { oneOf, anyOf = oneOf } = document.components.schemas.FaultSpec;
  const titles = anyOf.map(({ title }: { title: string }) => title);
  expect(titles).toContain('latency');
  expect(new Set(titles).size).toBe(anyOf.length);
  const { NewListener } = document.components.schemas;
  expect([...walk(NewListener)].map(([path]) => path.at(-1))).not.toContain('default');
  expect(NewListener.properties.protocol.description).toMatch(/Default: "tcp"\.$/);
});

test('each page says what becomes of a size above the largest', () => {
  const sizes = [...walk(document.paths)].flatMap(([, value]) =>
    typeof value === 'object' && value !== null && 'name' in value && value.name === 'pageSize'
      ? [String(value.description)]
      : [],
  );
  expect(sizes.length).toBeGreaterThan(5);
  expect(sizes.filter((about) => !about.includes('above 1000 it is 1000'))).toEqual([]);
});
