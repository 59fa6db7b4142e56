/**
 * A UDP session that stays silent. Its datagrams are as long as the line of an info listener, which therefore answers the
 * first one that comes from an address: where a later one is answered so, the client has another address there.
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import {
  type End,
  type Greeting,
  type Heard,
  openTimeoutMs,
  type Probe,
  ProbeFailure,
  type ProbeOptions,
  parseGreeting,
  within,
} from './probe.ts';

/** Longer than the line can be. */
export const datagramBytes = 512;
/** A datagram may get lost: it is sent again so much later. */
const againMs = 1000;

export class UdpProbe implements Probe {
  readonly #socket: Socket;
  readonly #greeted = Promise.withResolvers<Greeting>();
  readonly #ended = Promise.withResolvers<End>();
  #greeting: Greeting | null = null;
  readonly openedAt = performance.now();
  #quietSince = 0;
  #tries = 0;
  #again: NodeJS.Timeout | undefined;
  #awaited: { readonly word: string; readonly resolve: (heard: Heard) => void } | null = null;
  #isClosed = false;

  /** Resolves once its greeting is there. One that got lost comes no more, so each try has an address of its own. */
  static async open({ ip, port, signal }: ProbeOptions): Promise<UdpProbe> {
    for (let tries = openTimeoutMs / againMs; tries > 0; tries -= 1) {
      const probe = new UdpProbe(ip, port);
      try {
        const first = Promise.race([probe.#greeted.promise, probe.ended]);
        const come = await within(first, againMs, signal);
        if (come === 'unreachable') throw new ProbeFailure('nobody listens there');
        if (come !== undefined) return probe;
      } catch (error) {
        probe[Symbol.dispose]();
        throw error;
      }
      probe[Symbol.dispose]();
    }
    throw new ProbeFailure(
      `nothing came in ${openTimeoutMs / 1000} s that tells a session: is it a listener in mode info?`,
    );
  }

  private constructor(ip: string, port: number) {
    this.#socket = createSocket(isIPv6(ip) ? 'udp6' : 'udp4')
      .on('message', (bytes) => this.#onDatagram(bytes.toString('latin1')))
      .on('error', () => this.#ended.resolve('unreachable'))
      .on('connect', () => this.#send('hello'));
    this.#socket.connect(port, ip);
  }

  #send(word: string): void {
    if (!this.#isClosed) this.#socket.send(word.padEnd(datagramBytes, '.'));
  }

  #onDatagram(text: string): void {
    const isEcho = this.#awaited !== null && text.startsWith(this.#awaited.word);
    const greeting = isEcho ? null : parseGreeting(text);
    if (isEcho) this.#answer('echo');
    if (greeting === null) return;
    if (this.#greeting === null) {
      this.#greeting = greeting;
      this.#quietSince = performance.now();
      this.#greeted.resolve(greeting);
    } else if (greeting.connectionId !== this.#greeting.connectionId) this.#answer('remapped');
  }

  #answer(heard: Heard): void {
    clearInterval(this.#again);
    this.#awaited?.resolve(heard);
    this.#awaited = null;
  }

  get greeting(): Greeting {
    if (this.#greeting === null) throw new TypeError('a probe that is open has been greeted');
    return this.#greeting;
  }

  get quietSince(): number {
    return this.#quietSince;
  }

  /** Nobody is told of an end: only an error of the system, such as an ICMP message makes, is one. */
  get ended(): Promise<End> {
    return this.#ended.promise;
  }

  get tries(): number {
    return this.#tries;
  }

  ask(word: string): Promise<Heard> {
    this.#tries = 0;
    const send = () => {
      this.#tries += 1;
      this.#send(word);
    };
    clearInterval(this.#again);
    this.#again = setInterval(send, againMs);
    send();
    return this.hear(word);
  }

  hear(word: string): Promise<Heard> {
    const { promise, resolve } = Promise.withResolvers<Heard>();
    this.#awaited = { word, resolve };
    return promise;
  }

  close(): void {
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#again);
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }
}
