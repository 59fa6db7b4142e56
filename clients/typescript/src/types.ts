/** The shapes of the API, by their names: all follow from its OpenAPI document. */
import type { components, operations } from './contract.ts';

type Schemas = components['schemas'];

export type Address = Schemas['Address'];
export type Connection = Schemas['Connection'];
export type Event = Schemas['Event'];
export type FaultSpec = Schemas['FaultSpec'];
export type Listener = Schemas['Listener'];
export type ListenerPatch = Schemas['ListenerPatch'];
export type NewListener = Schemas['NewListener'];
export type NewListeners = Schemas['NewListeners'];
export type Node = Schemas['Node'];
export type OwnProject = Schemas['OwnProject'];
export type Problem = Schemas['Problem'];
export type Status = Schemas['Status'];

type Query<Name extends keyof operations> = NonNullable<operations[Name]['parameters']['query']>;
type Answer<Name extends keyof operations> = operations[Name] extends {
  responses: { 200: { content: { 'application/json': infer Body } } };
}
  ? Body
  : never;

/** Pages are turned by the client. */
type Unpaged<Query> = Omit<Query, 'pageSize' | 'pageToken'>;

export type ListenersQuery = Unpaged<Query<'listListeners'>>;
export type ConnectionsQuery = Unpaged<Query<'listConnections'>>;
export type EventsQuery = Unpaged<Omit<Query<'listEvents'>, 'order'>>;
/** `timeoutMs` may be as long as you like: a call of the server takes a minute at most, and is repeated. */
export type ConnectionsWait = Query<'waitConnections'>;
export type EventsWait = Query<'waitEvents'>;
export type ConnectionsMet = Answer<'waitConnections'>;
export type EventsMet = Answer<'waitEvents'>;
