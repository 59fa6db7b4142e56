/** Clients that keep an account of their own: what they sent, what came back, and how and when it ended. */
import type { Socket } from 'node:net';
import type { Connected } from '../support/network-namespace.ts';
import type { Endpoint, Host, SiteName } from './ground.ts';

export interface SceneListener {
  readonly id: string;
  readonly project: string;
  readonly site: SiteName;
  readonly laddr: Endpoint;
}

/** Beside the node, in the world, or behind the NAT of another site. */
export type Place = 'near' | 'far' | 'behind_nat';

export interface Account {
  readonly listener: SceneListener;
  readonly place: Place;
  readonly stays: boolean;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** As whom the listener's host has it. */
  seenAs: Endpoint;
  /** Times of day in ms. */
  readonly begunAt: number;
  endedAt: number | null;
  sentBytes: number;
  echoedBytes: number;
  isCorrupt: boolean;
  /** It has sent its FIN. */
  hasLeft: boolean;
  sawEnd: boolean;
  error: string | null;
}

const messageBytes = 200;
const stayersTalkEveryMs = 500;
const passersPauseMs = 600;
const messagesOfPasser = 2;

class SceneClient {
  readonly account: Account;
  readonly over: Promise<void>;
  readonly #socket: Socket;
  #onEcho: () => void = () => undefined;

  constructor(
    { socket, local }: Connected,
    begunAt: number,
    about: Pick<Account, 'listener' | 'place' | 'stays'>,
  ) {
    this.#socket = socket;
    const account: Account = {
      ...{ ...about, begunAt, local, seenAs: local, remote: about.listener.laddr },
      ...{ endedAt: null, error: null, sentBytes: 0, echoedBytes: 0 },
      ...{ isCorrupt: false, hasLeft: false, sawEnd: false },
    };
    this.account = account;
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => {
      if (!data.equals(bytesAt(account.echoedBytes, data.length))) account.isCorrupt = true;
      account.echoedBytes += data.length;
      if (account.echoedBytes >= account.sentBytes) this.#onEcho();
    });
    socket.on('end', () => {
      account.sawEnd = true;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      account.error = error.code ?? error.message;
    });
    this.over = new Promise((resolve) => {
      socket.on('close', () => {
        account.endedAt = Date.now();
        this.#onEcho();
        resolve();
      });
    });
    socket.resume();
  }

  get isOver(): boolean {
    return this.account.endedAt !== null;
  }

  /** Unless the echo of what was said before is still to come. */
  talk(): void {
    const { account } = this;
    if (this.isOver || account.hasLeft || account.echoedBytes < account.sentBytes) return;
    this.#socket.write(bytesAt(account.sentBytes, messageBytes));
    account.sentBytes += messageBytes;
  }

  /** Resolves when all is back, or it is over. */
  async echo(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEcho = resolve;
    this.talk();
    if (!this.isOver) await promise;
  }

  leave(): void {
    if (this.isOver || this.account.hasLeft) return;
    this.account.hasLeft = true;
    this.#socket.end();
  }

  drop(): void {
    this.#socket.destroy();
  }
}

/** What stands at a place of the stream, so that nothing can be missing, or come twice, unseen. */
function bytesAt(offset: number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (offset + index) % 251));
}

export class SceneClients implements AsyncDisposable {
  readonly accounts: Account[] = [];
  /** Where somebody came to and was refused: nobody listened. */
  readonly refusals: SceneListener[] = [];
  readonly #clients = new Set<SceneClient>();
  readonly #staying = new Set<SceneClient>();
  readonly #passing: Promise<void>[] = [];
  readonly #timer = setInterval(() => this.#talk(), stayersTalkEveryMs);
  #isOver = false;

  async #open(host: Host, about: Pick<Account, 'listener' | 'place' | 'stays'>) {
    const begunAt = Date.now();
    const client = new SceneClient(await host.connect(about.listener.laddr), begunAt, about);
    this.accounts.push(client.account);
    this.#clients.add(client);
    void client.over.then(() => this.#clients.delete(client));
    return client;
  }

  /** One that talks until it is told to leave. */
  async stay(host: Host, listener: SceneListener, place: Place): Promise<Account> {
    const client = await this.#open(host, { listener, place, stays: true });
    this.#staying.add(client);
    return client.account;
  }

  #talk(): void {
    for (const client of this.#staying) client.talk();
  }

  /** One after the other comes, talks and leaves. */
  pass(host: Host, listener: SceneListener): void {
    const passing = this.#pass(host, listener);
    // Who ends the passing hears of it.
    passing.catch(() => undefined);
    this.#passing.push(passing);
  }

  async #pass(host: Host, listener: SceneListener): Promise<void> {
    while (!this.#isOver) {
      await this.#passOnce(host, listener);
      await new Promise((next) => setTimeout(next, passersPauseMs));
    }
  }

  async #passOnce(host: Host, listener: SceneListener): Promise<void> {
    const about = { listener, place: 'near', stays: false } as const;
    const client = await this.#open(host, about).catch((error: Error) => {
      if (!error.message.includes('ECONNREFUSED')) throw error;
      return null;
    });
    if (client === null) {
      this.refusals.push(listener);
      return;
    }
    for (let count = 0; count < messagesOfPasser; count += 1) await client.echo();
    client.leave();
    await client.over;
  }

  /** Nobody comes any more; resolves when those that came are through. */
  async endPassing(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#passing);
  }

  /** Once they have heard all that they said; resolves when they are through. */
  async leaveAll(): Promise<void> {
    const staying = [...this.#staying];
    this.#staying.clear();
    await Promise.all(
      staying.map(async (client) => {
        if (client.account.echoedBytes < client.account.sentBytes) await client.echo();
        client.leave();
        await client.over;
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#timer);
    for (const client of this.#clients) client.drop();
    await Promise.allSettled(this.#passing);
  }
}
