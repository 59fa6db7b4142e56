/** The words of an answer may become more: every contract that a client is made from says so at each of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { closeInitiators, closeReasons, connectionStates } from '../src/core/connection.ts';
import { errorCodes } from '../src/core/errors.ts';
import { eventTypes, refusalRules } from '../src/core/event.ts';
import { listenerStates, protocols } from '../src/core/listener.ts';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '..', path), 'utf8');
/** With the places that each has in the answers of REST. */
const open = [
  [connectionStates, 1],
  [closeInitiators, 1],
  [closeReasons, 1],
  [errorCodes, 1],
  [eventTypes, 1],
  [refusalRules, 1],
  [listenerStates, 1],
  [protocols, 3],
] as const;

interface Schema {
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

function* fieldsOf(schema: Schema): Generator<Schema> {
  for (const field of Object.values(schema.properties ?? {})) {
    yield field;
    yield* fieldsOf(field);
  }
}

test.each(open)('the API page says of %j that words may be added', (words, places) => {
  const { components } = JSON.parse(read('openapi.json'));
  const answers = ['Listener', 'Connection', 'Refusal', 'Event', 'Problem'];
  const told = answers
    .flatMap((name) => [...fieldsOf(components.schemas[name])])
    .filter((field) =>
      [field, ...(field.anyOf ?? [])].some((form) => String(form.enum) === String(words)),
    );
  expect(told).toHaveLength(places);
  for (const { description } of told) expect(description).toMatch(/Words may be added/);
});

test.each([
  ['connection', ['ConnectionState', 'CloseInitiator', 'CloseReason']],
  ['event', ['EventType', 'RefusalRule']],
  ['listener', ['ListenerState', 'Protocol']],
])('the proto of a %s says it of %j', (name, enums) => {
  const proto = read(`proto/kodama/v1/${name}.proto`);
  for (const each of enums) {
    expect(proto).toMatch(new RegExp(`\\n// Values may be added: .*\\nenum ${each} {`));
  }
});

test('an event may come without a listener', () => {
  const { Event: event } = JSON.parse(read('openapi.json')).components.schemas;
  expect(event.required).toEqual(['seq', 'time', 'type']);
  expect(event.properties.listenerId.description).toMatch(/An event may come without\./);
});
