/** A project of a fleet's round: a key, clients, listeners on every node, and a stream from each replica. */
import { type RestApi, want } from '../support/rest-client.ts';
import { Clients } from './clients.ts';
import { FleetChurn } from './fleet-churn.ts';
import type { KodamaProcess } from './kodama-process.ts';
import { GrpcReader, NdjsonReader } from './log-reader.ts';
import { Random } from './random.ts';

export const fleetProjectNames = ['default', 'team-b'] as const;

export interface FleetProjectOptions {
  readonly name: (typeof fleetProjectNames)[number];
  readonly seed: number;
  readonly replicas: readonly KodamaProcess[];
}

export class FleetProject implements AsyncDisposable {
  readonly name: string;
  /** One for each replica. */
  readonly apis: readonly RestApi[];
  readonly clients: Clients;
  readonly listeners: FleetChurn;
  readonly readers: readonly (NdjsonReader | GrpcReader)[];

  private constructor({ name, seed, replicas }: FleetProjectOptions, secret: string) {
    this.name = name;
    const headers = { authorization: `Bearer ${secret}` };
    this.apis = replicas.map(({ url }) => ({ url, headers }));
    const place = fleetProjectNames.indexOf(name);
    this.clients = new Clients(new Random(seed + 1 + 10 * place), place);
    this.listeners = new FleetChurn(this.apis, new Random(seed + 2 + 10 * place));
    const own = { keepsEvents: true, secret };
    this.readers = replicas.flatMap(({ url, grpcAddress }) => [
      new NdjsonReader(url, own),
      new GrpcReader(grpcAddress, own),
    ]);
  }

  /** With the key of whoever shows none, who is an operator here. */
  static async begin(options: FleetProjectOptions): Promise<FleetProject> {
    const { name, replicas } = options;
    const [target] = replicas;
    if (target === undefined) throw new TypeError('a fleet has a replica');
    if (name !== 'default') await want(201, target, 'POST', '/v1/projects', { name });
    const key = { name: 'chaos', scopes: ['read', 'write'] };
    const of = { 'kodama-project': name };
    const { secret } = await want(201, target, 'POST', '/v1/keys', key, of);
    const project = new FleetProject(options, secret);
    for (const reader of project.readers) reader.begin();
    return project;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.readers.map((reader) => reader[Symbol.asyncDispose]()));
  }
}
