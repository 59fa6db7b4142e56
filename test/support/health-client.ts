/** The standard health service as a load balancer sees it. */
import {
  type ChannelCredentials,
  type Client,
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import { call } from './grpc-client.ts';

interface Answer {
  readonly status: string;
}

type Done<Reply> = (error: ServiceError | null, reply?: Reply) => void;

interface HealthClient extends Client {
  Check(request: object, done: Done<Answer>): void;
  List(request: object, done: Done<{ readonly statuses: object }>): void;
  Watch(request: object): ClientReadableStream<Answer>;
}

const { grpc } = loadPackageDefinition(loadSync(protoPath, { enums: String })) as unknown as {
  grpc: { health: { v1: { Health: new (...options: unknown[]) => HealthClient } } };
};

export function healthClient(
  address: string,
  { over = credentials.createInsecure(), name }: { over?: ChannelCredentials; name?: string } = {},
) {
  const named =
    name === undefined
      ? {}
      : { 'grpc.ssl_target_name_override': name, 'grpc.default_authority': name };
  const client = new grpc.health.v1.Health(address, over, named);
  return {
    async check(service = ''): Promise<string> {
      return (await call<Answer>((done) => client.Check({ service }, done))).status;
    },
    async list(): Promise<object> {
      return (await call<{ statuses: object }>((done) => client.List({}, done))).statuses;
    },
    watch(service = '') {
      const seen: string[] = [];
      const stream = client.Watch({ service });
      stream.on('data', ({ status }: Answer) => seen.push(status));
      const ended = new Promise<ServiceError>((resolve) => stream.once('error', resolve));
      return { seen, ended };
    },
    [Symbol.dispose]: () => client.close(),
  };
}
