/**
 * Many datagrams with one call, and their answers with another: recvmmsg(2), sendmmsg(2). Node makes an object and a
 * call of the system for each.
 *
 *   libuv reads one ─► recvmmsg: what more is there ─► each to its owner ─► sendmmsg: what was answered at once
 *        ▲               │ something: libuv reads no more, and the next turn of the loop asks again
 *        └───────────────┘ nothing: libuv reads again
 *
 * - All sockets read into the same memory. What lies in it is gone with the next batch: who keeps a datagram copies it.
 * - Only IPv4: of IPv6 the text of an address has a zone, which Node names otherwise than the kernel numbers it.
 * - What the kernel does not take at once is sent, and kept, by Node.
 */
import { BatchMemory, type BatchRemote, slotsMax } from './batch-memory.ts';
import { type Libc, loadLibc, systemError } from './libc.ts';

const dontWait = 0x40;
const tryAgain = 11;

export interface DatagramBatchesOptions {
  /** Told once, when datagrams can not be read so here. */
  readonly onMissing: (cause: string) => void;
  /** @throws where there is none */
  readonly load?: () => Libc;
}

export type OnSent = (error: NodeJS.ErrnoException | null, length: number) => void;

export interface BatchedSocket {
  readonly fd: number;
  readonly handle: { recvStart(): void; recvStop(): void };
  /** The bytes are there during the call only. */
  readonly onDatagram: (bytes: Buffer, remote: BatchRemote) => void;
  /** Keeps what the kernel does not take now. */
  readonly sendLate: (bytes: Buffer, remote: BatchRemote, onSent: OnSent) => void;
}

interface Native {
  readonly libc: Libc;
  readonly memory: BatchMemory;
}

interface Answer {
  readonly slot: number;
  readonly length: number;
  readonly remote: BatchRemote;
  readonly onSent: OnSent;
}

export class DatagramBatches {
  readonly #options: DatagramBatchesOptions;
  /** Undefined until it is needed; null where there is none. */
  #native: Native | null | undefined;
  /** Whose batch is told of, and which of its datagrams. */
  #socket: BatchedSocket | null = null;
  #slot = 0;
  #bytes: Buffer | null = null;
  #remote: BatchRemote | null = null;
  readonly #answers: Answer[] = [];

  constructor(options: DatagramBatchesOptions) {
    this.#options = options;
  }

  /** Null where there are no batches. */
  reader(socket: BatchedSocket): BatchReader | null {
    if (this.#native === undefined) this.#native = this.#load();
    return this.#native === null ? null : new BatchReader(this, socket);
  }

  #load(): Native | null {
    try {
      const libc = (this.#options.load ?? loadLibc)();
      return { libc, memory: new BatchMemory(libc) };
    } catch (error) {
      this.#options.onMissing(error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  /** How many there were. */
  read(socket: BatchedSocket): number {
    if (this.#native == null) return 0;
    const { libc, memory } = this.#native;
    memory.prepare();
    const count = libc.receiveMany(socket.fd, memory.received, slotsMax, dontWait);
    if (count <= 0) return 0;
    this.#socket = socket;
    for (let slot = 0; slot < count && this.#socket === socket; slot++) {
      this.#slot = slot;
      this.#bytes = memory.payloadOf(slot);
      this.#remote = memory.remoteOf(slot);
      socket.onDatagram(this.#bytes, this.#remote);
    }
    this.#flush();
    this.#socket = null;
    this.#bytes = null;
    return count;
  }

  /** Its fd is closed, and may be another's: what was read of it is neither told nor answered any more. */
  forget(socket: BatchedSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#answers.length = 0;
  }

  /** Whether the bytes lie in the memory of a batch, and must be copied by who keeps them. */
  isPassing(bytes: Buffer): boolean {
    return bytes === this.#bytes;
  }

  /** Answers the datagram that is told of with itself. False when these are other bytes: all before them is sent. */
  answer(socket: BatchedSocket, bytes: Buffer, onSent: OnSent): boolean {
    if (this.#socket !== socket) return false;
    if (bytes !== this.#bytes || this.#remote === null) {
      this.#flush();
      return false;
    }
    if (this.#answers.length === slotsMax) this.#flush();
    const { length } = bytes;
    this.#native?.memory.answer(this.#answers.length, this.#slot, length);
    this.#answers.push({ slot: this.#slot, length, remote: this.#remote, onSent });
    return true;
  }

  #flush(): void {
    if (this.#native == null || this.#socket === null || this.#answers.length === 0) return;
    const { libc, memory } = this.#native;
    const { fd } = this.#socket;
    const answers = this.#answers.splice(0);
    for (let at = 0; at < answers.length; ) {
      const sent = libc.sendMany(fd, memory.answersFrom(at), answers.length - at, dontWait);
      const errno = sent > 0 ? 0 : libc.errno();
      if (errno === tryAgain) {
        this.#sendLate(this.#socket, memory, answers.slice(at));
        return;
      }
      // Only the first that can not be sent has an error: of that datagram, and of no other.
      const error = sent > 0 ? null : systemError(errno);
      for (const end = at + Math.max(1, sent); at < end; at++) {
        const answer = answers[at];
        answer?.onSent(error, answer.length);
      }
    }
  }

  #sendLate(socket: BatchedSocket, memory: BatchMemory, answers: readonly Answer[]): void {
    for (const { slot, length, remote, onSent } of answers) {
      socket.sendLate(Buffer.from(memory.payloadOf(slot, length)), remote, onSent);
    }
  }
}

export class BatchReader {
  readonly #batches: DatagramBatches;
  readonly #socket: BatchedSocket;
  #turn: NodeJS.Immediate | null = null;
  #isClosed = false;

  constructor(batches: DatagramBatches, socket: BatchedSocket) {
    this.#batches = batches;
    this.#socket = socket;
  }

  /** libuv has read one, and it was told of: reads what else there is. */
  readOn(): void {
    if (this.#turn !== null || this.#isClosed) return;
    if (this.#batches.read(this.#socket) === 0 || this.#isClosed) return;
    this.#socket.handle.recvStop();
    this.#turn = setImmediate(this.#next);
  }

  /** One batch in a turn of the loop, so that a flood leaves the rest of each to others. */
  readonly #next = (): void => {
    this.#turn = null;
    const count = this.#batches.read(this.#socket);
    if (this.#isClosed) return;
    if (count > 0) this.#turn = setImmediate(this.#next);
    else this.#socket.handle.recvStart();
  };

  /** Before its fd is closed, and may be another's. */
  close(): void {
    this.#isClosed = true;
    this.#batches.forget(this.#socket);
    if (this.#turn !== null) clearImmediate(this.#turn);
  }

  isPassing(bytes: Buffer): boolean {
    return this.#batches.isPassing(bytes);
  }

  answer(bytes: Buffer, onSent: OnSent): boolean {
    return this.#batches.answer(this.#socket, bytes, onSent);
  }
}
