/** A project of a round: its own key, clients, listeners and streams, and nothing in common with the others. */
import { want } from '../support/rest-client.ts';
import { Clients } from './clients.ts';
import type { KodamaProcess } from './kodama-process.ts';
import { ListenerChurn, type ListenerChurnOptions } from './listener-churn.ts';
import { GrpcReader, NdjsonReader } from './log-reader.ts';
import { Random } from './random.ts';

export const projectNames = ['default', 'team-b', 'team-c'] as const;

/** REST as its key has it. */
export interface ProjectApi {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ProjectOptions extends ListenerChurnOptions {
  readonly target: KodamaProcess;
  /** Any node shows all of a log. */
  readonly grpcAddress: string;
  readonly seed: number;
  readonly name: (typeof projectNames)[number];
}

export class ChaosProject implements AsyncDisposable {
  readonly name: string;
  readonly api: ProjectApi;
  readonly clients: Clients;
  readonly listeners: ListenerChurn;
  readonly readers: readonly [NdjsonReader, GrpcReader];

  private constructor(
    { name, seed, target, grpcAddress, ...churn }: ProjectOptions,
    secret: string,
  ) {
    this.name = name;
    const headers = { authorization: `Bearer ${secret}` };
    this.api = { url: target.url, headers };
    const place = projectNames.indexOf(name);
    this.clients = new Clients(new Random(seed + 1 + 10 * place), place);
    this.listeners = new ListenerChurn(this.api, new Random(seed + 2 + 10 * place), churn);
    const own = { keepsEvents: true, secret };
    this.readers = [new NdjsonReader(target.url, own), new GrpcReader(grpcAddress, own)];
  }

  /** With the key of whoever shows none, who is an operator here. */
  static async begin(options: ProjectOptions): Promise<ChaosProject> {
    const { name, target } = options;
    if (name !== 'default') await want(201, target, 'POST', '/v1/projects', { name });
    const key = { name: 'chaos', scopes: ['read', 'write'] };
    const of = { 'kodama-project': name };
    const { secret } = await want(201, target, 'POST', '/v1/keys', key, of);
    const project = new ChaosProject(options, secret);
    for (const reader of project.readers) reader.begin();
    await project.listeners.make();
    return project;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.readers.map((reader) => reader[Symbol.asyncDispose]()));
  }
}
