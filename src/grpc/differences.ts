/**
 * Where the protos say a thing otherwise than core and the JSON of REST do. What is not in these tables has one name and
 * one shape everywhere, and costs no line in this folder.
 */
import type protobuf from 'protobufjs';

const flatFields: ReadonlySet<string> = new Set([
  'BatchCreateListenersRequest.each',
  'ListEventsRequest.filter',
  'StreamEventsRequest.filter',
  'WaitEventsRequest.filter',
  'AddFaultRequest.fault',
  'UpdateFaultRequest.fault',
]);
const typedOneofs: ReadonlySet<string> = new Set(['Fault.effect']);
const otherNames: ReadonlyMap<string, string> = new Map([
  ['StreamEventsRequest.heartbeatInterval', 'heartbeatMs'],
  ['StreamEventsRequest.timeout', 'timeoutMs'],
  ...['WaitConnectionsRequest', 'WaitEventsRequest'].flatMap((request) => [
    [`${request}.settle`, 'settleMs'] as const,
    [`${request}.timeout`, 'timeoutMs'] as const,
  ]),
]);
const otherWords: ReadonlyMap<string, string> = new Map([
  ['TLS_VERSION_1_2', 'TLSv1.2'],
  ['TLS_VERSION_1_3', 'TLSv1.3'],
]);

/** The operations whose methods are not called as they are. */
const otherOperations: ReadonlyMap<string, string> = new Map([
  ['BatchCreateListeners', 'createListeners'],
]);

export type Fields = Readonly<Record<string, unknown>>;
/** Finds what a field says, in the value itself or in what that lies in. */
export type Find = (value: Fields, parent: Fields) => unknown;

const otherPlaces: ReadonlyMap<string, Find> = new Map<string, Find>([
  ['Event.connectionId', ({ connection }) => (connection as Fields | undefined)?.id],
  // A connection by itself has it; of an event's connection or refusal the event has it.
  ['Connection.listenerName', (own, parent) => own.listenerName ?? parent.listenerName],
  ['Refusal.listenerName', (_, event) => event.listenerName],
  // What changed has fields of any kind.
  ['AuditChange.before', ({ before }) => jsonOf(before)],
  ['AuditChange.after', ({ after }) => jsonOf(after)],
]);

function jsonOf(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** Of `/kodama.v1.KeyService/CreateKey`: `createKey`. */
export function operationOf(path: string): string {
  const method = path.slice(path.lastIndexOf('/') + 1);
  return otherOperations.get(method) ?? method.charAt(0).toLowerCase() + method.slice(1);
}

/** A message of its own on the wire; in JSON its fields are among those of the message around it. */
export function isFlat(field: protobuf.ReflectionObject): boolean {
  return flatFields.has(placeOf(field));
}

/** A message of a oneof on the wire; in JSON a `type`, and the message's fields beside it. */
export function isTyped(oneof: protobuf.OneOf | null): oneof is protobuf.OneOf {
  return oneof !== null && typedOneofs.has(placeOf(oneof));
}

/** The `type` that a message of such a oneof is. */
export function typeWord({ name }: protobuf.Field): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Null where core has it under the name of the field. */
export function finderOf(field: protobuf.Field): Find | null {
  return otherPlaces.get(placeOf(field)) ?? null;
}

export function jsonName(field: protobuf.Field): string {
  return otherNames.get(placeOf(field)) ?? field.name;
}

/** `half_closed` for CONNECTION_STATE_HALF_CLOSED of ConnectionState. */
export function wordOf(value: string, { name }: protobuf.Enum): string {
  const prefix = `${name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()}_`;
  const rest = value.startsWith(prefix) ? value.slice(prefix.length) : value;
  return otherWords.get(value) ?? rest.toLowerCase();
}

function placeOf({ parent, name }: protobuf.ReflectionObject): string {
  return `${parent?.name}.${name}`;
}
