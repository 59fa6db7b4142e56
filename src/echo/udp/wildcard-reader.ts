/**
 * Reads the wildcard sockets of a worker, with the address that each datagram was sent to, and answers from there.
 *
 * Node can neither pass that address on nor wait for a socket without reading it. So libuv's reading of these sockets
 * is stopped, and the kernel raises SIGIO when one has something (O_ASYNC, fcntl(2)), as ntpd lets it do: no thread
 * waits, and nothing is asked while nothing comes.
 *
 *   SIGIO ─► once in a turn of the loop: poll ─► which have something? ─► a share of the turn for each ─► more? again
 */
import { type Libc, loadLibc, systemError } from './libc.ts';
import { PacketInfo, type ReceivedDatagram } from './packet-info.ts';

const setFlags = 4;
const setOwner = 8;
const nonBlocking = 0x800;
const signalled = 0x2000;
const badFile = 9;
const readable = 1;
const pollEntryBytes = 8;

export interface WildcardReaderOptions {
  /** Over all sockets, so that a flood leaves the rest of each turn of the loop to others. */
  readonly datagramsPerTurnMax: number;
  /** Told once, when wildcards can not be read so here. */
  readonly onMissing: (cause: string) => void;
  /** @throws where there is none */
  readonly load?: () => Libc;
}

export interface WildcardSocket {
  readonly fd: number;
  readonly isIpv6: boolean;
  readonly onDatagram: (datagram: ReceivedDatagram, answer: Answer) => void;
}

/** Answers from where the datagram was sent to, at once: where the kernel does not take it now, its error. */
export type Answer = (bytes: Buffer) => NodeJS.ErrnoException | null;

interface Native {
  readonly libc: Libc;
  readonly packets: PacketInfo;
}

export class WildcardReader {
  readonly #options: WildcardReaderOptions;
  /** Null until it is needed. */
  #native: Native | null = null;
  #isMissing = false;
  readonly #sockets = new Map<number, WildcardSocket>();
  #turn: NodeJS.Immediate | null = null;

  constructor(options: WildcardReaderOptions) {
    this.#options = options;
  }

  /** False where it can not be read here. */
  watch(socket: WildcardSocket): boolean {
    if (this.#isMissing) return false;
    try {
      this.#native ??= this.#load();
      const { libc, packets } = this.#native;
      packets.enable(socket.fd, socket.isIpv6);
      raiseSignals(libc, socket.fd);
      this.#sockets.set(socket.fd, socket);
      // What came before has raised no signal.
      this.#soon();
      return true;
    } catch (error) {
      this.#isMissing = true;
      this.#options.onMissing(error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  /** Before its fd is closed, and may be another's. */
  unwatch(fd: number): void {
    this.#sockets.delete(fd);
  }

  #load(): Native {
    const libc = (this.#options.load ?? loadLibc)();
    const packets = new PacketInfo(libc);
    // Never taken back: without a listener a signal that is on its way would end the process.
    process.on('SIGIO', () => this.#soon());
    return { libc, packets };
  }

  #soon(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = null;
      this.#read();
    });
  }

  #read(): void {
    if (this.#native === null) return;
    const { libc, packets } = this.#native;
    const ready = this.#ready(libc);
    const share = Math.max(1, Math.floor(this.#options.datagramsPerTurnMax / ready.length));
    for (const socket of ready) {
      for (let n = 0; n < share; n++) {
        const datagram = packets.receive(socket.fd);
        if (datagram === null) break;
        socket.onDatagram(datagram, (bytes) => this.#answer(socket, datagram, bytes));
      }
    }
    if (ready.length > 0) this.#soon();
  }

  #answer(socket: WildcardSocket, { from, to }: ReceivedDatagram, bytes: Buffer) {
    // Its fd may be that of another file by now.
    const isWatched = this.#sockets.get(socket.fd) === socket;
    if (this.#native === null || !isWatched) return systemError(badFile);
    return this.#native.packets.send(socket.fd, bytes, from.name, to.control);
  }

  #ready(libc: Libc): readonly WildcardSocket[] {
    const sockets = [...this.#sockets.values()];
    if (sockets.length === 0) return [];
    const entries = Buffer.alloc(sockets.length * pollEntryBytes);
    for (const [n, { fd }] of sockets.entries()) {
      entries.writeInt32LE(fd, n * pollEntryBytes);
      entries.writeInt16LE(readable, n * pollEntryBytes + 4);
    }
    libc.poll(entries, sockets.length, 0);
    return sockets.filter((_, n) => (entries.readInt16LE(n * pollEntryBytes + 6) & readable) !== 0);
  }
}

/** @throws the system's error */
function raiseSignals({ control, errno }: Libc, fd: number): void {
  for (const [command, value] of [
    [setOwner, process.pid],
    [setFlags, nonBlocking | signalled],
  ] as const) {
    if (control(fd, command, value) < 0) throw systemError(errno());
  }
}
