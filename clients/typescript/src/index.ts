export { EchoListener } from './echo-listener.ts';
export { KodamaError, NotMetError, UnreachableError } from './errors.ts';
export type { FollowOptions } from './events.ts';
export { type CreateOptions, Kodama } from './kodama.ts';
export type { ClientOptions } from './rest.ts';
export { type StartedKodama, type StartOptions, startKodama } from './start-kodama.ts';
export type {
  Address,
  Connection,
  ConnectionsMet,
  ConnectionsQuery,
  ConnectionsWait,
  Event,
  EventsMet,
  EventsQuery,
  EventsWait,
  FaultSpec,
  Listener,
  ListenerPatch,
  ListenersQuery,
  NewListener,
  NewListeners,
  Problem,
  Status,
} from './types.ts';
