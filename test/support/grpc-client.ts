/** A client of gRPC as users write one: from the protos, with promises for calls and lists for streams. */
import { join } from 'node:path';
import {
  type CallOptions,
  type Client,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const includeDirs = [join(import.meta.dirname, '../../proto')];
const files = [
  ...['listener', 'connection', 'event', 'project', 'key', 'audit', 'node', 'join_token'],
].map((name) => `kodama/v1/${name}_service.proto`);

/** Enums as their names, 64-bit numbers as strings, absent fields absent. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever it expects to be there
export type Message = any;

type Done = (error: ServiceError | null, response?: Message) => void;
interface Unary {
  (request: object, done: Done): ClientUnaryCall;
  (request: object, metadata: Metadata, done: Done): ClientUnaryCall;
}
type Service<Methods> = new (...options: ConstructorParameters<typeof Client>) => Client & Methods;
type Calls<Names extends string> = Readonly<Record<Names, Unary>>;

interface Services {
  readonly ListenerService: Service<
    Calls<
      | 'CreateListener'
      | 'BatchCreateListeners'
      | 'GetListener'
      | 'ListListeners'
      | 'UpdateListener'
      | 'DeleteListener'
      | 'CloseListeners'
      | 'AddFault'
      | 'UpdateFault'
      | 'RemoveFault'
      | 'ResetFaults'
    >
  >;
  readonly ConnectionService: Service<
    Calls<'GetConnection' | 'ListConnections' | 'WaitConnections' | 'CloseConnection'>
  >;
  readonly EventService: Service<
    Calls<'ListEvents' | 'WaitEvents'> & {
      StreamEvents(
        request: object,
        metadata: Metadata,
        options?: CallOptions,
      ): ClientReadableStream<Message>;
    }
  >;
  readonly ProjectService: Service<
    Calls<
      | 'CreateProject'
      | 'GetProject'
      | 'GetOwnProject'
      | 'ListProjects'
      | 'UpdateProject'
      | 'DeleteProject'
      | 'ListQuotas'
    >
  >;
  readonly KeyService: Service<
    Calls<'CreateKey' | 'GetKey' | 'ListKeys' | 'UpdateKey' | 'RevokeKey' | 'RotateKey'>
  >;
  readonly AuditService: Service<Calls<'ListAuditEntries'>>;
  readonly NodeService: Service<Calls<'GetNode' | 'ListNodes' | 'UpdateNode' | 'DeleteNode'>>;
  readonly JoinTokenService: Service<
    Calls<'CreateJoinToken' | 'GetJoinToken' | 'ListJoinTokens' | 'DeleteJoinToken'>
  >;
}

const { kodama } = loadPackageDefinition(
  loadSync(files, { longs: String, enums: String, oneofs: true, includeDirs }),
) as unknown as { readonly kodama: { readonly v1: Services } };

export interface GrpcClientOptions {
  readonly token?: string;
  /** The authority of the server's certificate; without it the connection is plain. */
  readonly ca?: string;
  /** Bytes that the client lets a stream send ahead of its reader. */
  readonly windowBytes?: number;
  /** At most so long between two tries to connect; as grpc-js has it by default. */
  readonly reconnectMsMax?: number;
  /** Of a stream; none by default. */
  readonly deadlineMs?: number;
}

export function grpcClient(
  address: string,
  { token, windowBytes, ca, reconnectMsMax: most }: GrpcClientOptions = {},
) {
  const options = {
    'grpc.use_local_subchannel_pool': 1,
    'grpc-node.flow_control_window': windowBytes ?? 65_535,
    ...(most !== undefined && {
      ...{ 'grpc.initial_reconnect_backoff_ms': most, 'grpc.max_reconnect_backoff_ms': most },
    }),
    // An address is no name that TLS could ask for.
    ...(ca !== undefined && { 'grpc.ssl_target_name_override': 'localhost' }),
  };
  const channel =
    ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca));
  const clients = {
    listeners: new kodama.v1.ListenerService(address, channel, options),
    connections: new kodama.v1.ConnectionService(address, channel, options),
    events: new kodama.v1.EventService(address, channel, options),
    projects: new kodama.v1.ProjectService(address, channel, options),
    keys: new kodama.v1.KeyService(address, channel, options),
    audit: new kodama.v1.AuditService(address, channel, options),
    nodes: new kodama.v1.NodeService(address, channel, options),
    joinTokens: new kodama.v1.JoinTokenService(address, channel, options),
  };
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return {
    ...clients,
    metadata,
    [Symbol.dispose]() {
      for (const client of Object.values(clients)) client.close();
    },
  };
}

export type GrpcClient = ReturnType<typeof grpcClient>;

/** A unary call as a promise: `call((done) => client.listeners.GetListener({ id }, done))`. */
export function call<Response>(
  send: (done: (error: ServiceError | null, response?: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    send((error, response) => {
      if (error !== null || response === undefined) reject(error ?? new Error('no response'));
      else resolve(response);
    });
  });
}

/** An event as a stream of tests shows it: its seq as a number, its type as a word of the contract. */
export interface SeenEvent {
  readonly seq: number;
  readonly type: string;
  readonly message: Message;
}

export interface EventStream extends Disposable {
  readonly events: readonly SeenEvent[];
  /** Everything that came, events too, as it came. */
  readonly messages: readonly Message[];
  /** Resolves with the seq at which the backlog was over. */
  readonly synced: Promise<number>;
  /** Resolves with the error that ended the stream, null where it ended by itself. */
  readonly ended: Promise<ServiceError | null>;
  readonly call: ClientReadableStream<Message>;
  cancel(): void;
}

/** From now unless the request names a start. */
export function streamEvents(
  address: string,
  filter: object = {},
  request: object = {},
  options: GrpcClientOptions = {},
): EventStream {
  const client = grpcClient(address, options);
  const { deadlineMs } = options;
  const stream = client.events.StreamEvents(
    { ...request, filter },
    client.metadata,
    deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs },
  );
  const events: SeenEvent[] = [];
  const messages: Message[] = [];
  const synced = Promise.withResolvers<number>();
  const ended = Promise.withResolvers<ServiceError | null>();
  stream.on('data', (message: Message) => {
    messages.push(message);
    if (message.synced !== undefined) synced.resolve(Number(message.seq ?? 0));
    if (message.event === undefined) return;
    const type = (message.event.type ?? '').replace('EVENT_TYPE_', '').toLowerCase();
    events.push({ seq: Number(message.event.seq), type, message: message.event });
  });
  const end = (error: ServiceError | null) => {
    synced.reject(error ?? new Error('the stream ended before it was synced'));
    ended.resolve(error);
    client[Symbol.dispose]();
  };
  synced.promise.catch(() => undefined);
  stream.on('error', (error: ServiceError) => end(error));
  stream.on('end', () => end(null));
  const cancel = () => stream.cancel();
  return {
    events,
    messages,
    synced: synced.promise,
    ended: ended.promise,
    call: stream,
    cancel,
    [Symbol.dispose]: cancel,
  };
}
