/**
 * A family is a kind of input with what it may cost. A new one goes into a list of `families/`, and nowhere else: the
 * fuzz runs it, holds its bounds and prints its worst; the crowd sends the worst that it knows.
 */
import type fc from 'fast-check';
import type { CostWorld, Target } from './cost-world.ts';

/** What went out for one input, and what came back. */
export interface Sent {
  readonly calls: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Bytes that the call is about beyond those that it brings: the spec that it changes, the page that it reads. */
  readonly aboutBytes?: number;
  readonly datagramsIn?: number;
  readonly datagramsOut?: number;
  /** Pieces in which bytes were echoed, where they are not as large as can be. */
  readonly pieces?: number;
  /** Bytes, each as often as there are faults that it passes. */
  readonly passes?: number;
}

export interface Spent extends Sent {
  readonly tookMs: number;
  /** CPU of the loop of the control plane, and of the worker. */
  readonly loopMs: number;
  readonly workerMs: number;
  readonly walBytes: number;
}

/** What plain input costs on this machine today: bounds are multiples of it, and hold on a slow machine too. */
export interface Plain {
  /** The control plane's loop for a small call that is refused. */
  readonly callMs: number;
  /** Reading a byte of a valid body by JSON.parse and the schema. */
  readonly byteMs: number;
  /** The worker's loop for a connection that echoes nothing much, for a byte echoed alone, for a byte in bulk. */
  readonly connectionMs: number;
  readonly loneByteMs: number;
  readonly bulkByteMs: number;
  /** The worker's loop for a datagram of 64 bytes and its answer. */
  readonly datagramMs: number;
  /** What the worker's loop takes in a millisecond in which nobody is there. */
  readonly restShare: number;
}

/** WAL that a call may always write: rows, index entries and commit of what is small. */
const walCallBytes = 8192;
/** What a fault may do with a byte in passing, in echoes of a byte alone: draw a number, copy it. */
const passShare = 1 / 50;

/** What plain input of as much takes: reading as many bytes; echoing as many connections, bytes, pieces and datagrams. */
export const plainMs = {
  loop: (sent: Sent, plain: Plain) =>
    sent.calls * plain.callMs + (sent.bytesIn + (sent.aboutBytes ?? 0)) * plain.byteMs,
  worker: (sent: Sent, plain: Plain) =>
    sent.calls * plain.connectionMs +
    sent.bytesIn * plain.bulkByteMs +
    (sent.pieces ?? 0) * plain.loneByteMs +
    (sent.passes ?? 0) * plain.loneByteMs * passShare +
    (sent.datagramsIn ?? 0) * plain.datagramMs,
} as const;

/** Each cost of an input, to be held against a bound. */
export const costs = {
  /** Time of the control plane's loop, in that of plain input. */
  loop: (spent: Spent, plain: Plain) => spent.loopMs / plainMs.loop(spent, plain),
  /** WAL for each byte that was given or is changed. */
  wal: (spent: Spent) =>
    spent.walBytes / (spent.bytesIn + (spent.aboutBytes ?? 0) + spent.calls * walCallBytes),
  /** Bytes of one answer. */
  answerBytes: (spent: Spent) => spent.bytesOut / spent.calls,
  /** Time of the worker's loop, in that of plain input; without what it takes anyway, for as long as a client waits. */
  worker: (spent: Spent, plain: Plain) =>
    (spent.workerMs - spent.tookMs * plain.restShare) / plainMs.worker(spent, plain),
  /** Datagrams for each one that came: above 2 it would be an amplifier. */
  datagrams: (spent: Spent) => (spent.datagramsOut ?? 0) / (spent.datagramsIn ?? 0),
  bytes: (spent: Spent) => spent.bytesOut / spent.bytesIn,
  /** All datagrams that went round: what a loop makes of one. */
  loopDatagrams: (spent: Spent) => spent.datagramsOut ?? 0,
} as const satisfies Readonly<Record<string, (spent: Spent, plain: Plain) => number>>;

export type Cost = keyof typeof costs;
export type Bounds = Readonly<Partial<Record<Cost, number>>>;

export interface Family<Input = unknown> {
  /** A sentence's subject: what is sent. */
  readonly name: string;
  readonly inputs: fc.Arbitrary<Input>;
  /** The heaviest that are known; they come first, and the crowd sends them. */
  readonly worst: readonly Input[];
  readonly runs: number;
  readonly bounds: Bounds;
  /** What is sent waits, so that it is sent again at once and not in a row: what rests is found in no cache. */
  readonly isPatient?: true;
  /** Makes what the inputs are about, in the fuzz only. */
  prepare?(world: CostWorld): Promise<void>;
  send(target: Target, input: Input): Promise<Sent>;
}

/** Only to have the type of its inputs inferred. */
export function family<Input>(given: Family<Input>): Family {
  return given as Family;
}
