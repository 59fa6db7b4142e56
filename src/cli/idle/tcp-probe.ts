/** A TCP connection that stays silent: no keepalive, and of what comes nothing is kept but the end. */
import { connect, type Socket } from 'node:net';
import {
  type End,
  type Greeting,
  greetingBytesMax,
  type Heard,
  openTimeoutMs,
  type Probe,
  ProbeFailure,
  type ProbeOptions,
  parseGreeting,
  within,
  wordLengthMax,
} from './probe.ts';

const noGreeting =
  'what answers there is no listener in mode info: its first line does not tell a connection';

export class TcpProbe implements Probe {
  readonly #socket: Socket;
  readonly #greeted = Promise.withResolvers<Greeting>();
  readonly #ended = Promise.withResolvers<End>();
  #greeting: Greeting | null = null;
  readonly openedAt = performance.now();
  #quietSince = 0;
  #text = '';
  #awaited: { readonly word: string; readonly resolve: (heard: Heard) => void } | null = null;

  /** Resolves once its greeting is there. @throws ProbeFailure */
  static async open({ ip, port, signal }: ProbeOptions): Promise<TcpProbe> {
    const probe = new TcpProbe(ip, port);
    try {
      const greeting = await within(probe.#greeted.promise, openTimeoutMs, signal);
      if (greeting === undefined)
        throw new ProbeFailure(
          `nothing came in ${openTimeoutMs / 1000} s that tells a connection: is it a listener in mode info?`,
        );
      return probe;
    } catch (error) {
      probe[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(ip: string, port: number) {
    // Whoever waits for it hears of it; nobody has to.
    this.#greeted.promise.catch(() => undefined);
    this.#socket = connect({ host: ip, port, allowHalfOpen: true, noDelay: true })
      .on('data', (bytes) => this.#onData(bytes))
      .on('end', () => this.#end('fin', noGreeting))
      .on('error', (error: NodeJS.ErrnoException) => {
        const isReset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
        this.#end(isReset ? 'rst' : 'unreachable', error.message);
      });
  }

  #end(end: End, why: string): void {
    this.#ended.resolve(end);
    this.#greeted.reject(new ProbeFailure(why));
  }

  #onData(bytes: Buffer): void {
    this.#text += bytes.toString('latin1');
    if (this.#greeting === null && !this.#readGreeting()) return;
    if (this.#awaited !== null && this.#text.includes(this.#awaited.word)) {
      this.#awaited.resolve('echo');
      this.#awaited = null;
    }
    this.#text = this.#text.slice(-wordLengthMax);
  }

  #readGreeting(): boolean {
    const at = this.#text.indexOf('\n');
    if (at === -1 && this.#text.length <= greetingBytesMax) return false;
    this.#greeting = parseGreeting(this.#text.slice(0, Math.max(0, at)));
    if (this.#greeting === null) {
      this.#greeted.reject(new ProbeFailure(noGreeting));
      this.#socket.destroy();
      return false;
    }
    this.#text = this.#text.slice(at + 1);
    this.#quietSince = performance.now();
    this.#greeted.resolve(this.#greeting);
    return true;
  }

  get greeting(): Greeting {
    if (this.#greeting === null) throw new TypeError('a probe that is open has been greeted');
    return this.#greeting;
  }

  get quietSince(): number {
    return this.#quietSince;
  }

  get ended(): Promise<End> {
    return this.#ended.promise;
  }

  /** The kernel says again what gets lost. */
  get tries(): number {
    return 1;
  }

  ask(word: string): Promise<Heard> {
    const heard = this.hear(word);
    this.#socket.write(word);
    return heard;
  }

  hear(word: string): Promise<Heard> {
    const { promise, resolve } = Promise.withResolvers<Heard>();
    this.#awaited = { word, resolve };
    return promise;
  }

  close(): void {
    this.#socket.end();
  }

  /** RST: a FIN into a path that is dead would be said again for minutes. */
  [Symbol.dispose](): void {
    this.#socket.resetAndDestroy();
  }
}
