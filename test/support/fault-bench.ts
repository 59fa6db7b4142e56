/** A fault pipeline between a client that reuses its read buffer and a sink that writes down what happens, and when. */

import type { Fault, FaultEffect } from '../../src/core/fault.ts';
import { FaultPipeline, type FaultResources } from '../../src/echo/faults/fault-pipeline.ts';
import { FaultRoom } from '../../src/echo/faults/fault-room.ts';
import { FaultTurns } from '../../src/echo/faults/fault-turns.ts';
import type { FaultSink } from '../../src/echo/faults/outlet.ts';
import type { CloseMode } from '../../src/faults/held-items.ts';
import type { PacedRate } from '../../src/faults/paced-rate.ts';
import { seededRandom } from '../../src/faults/seeded-random.ts';
import type { ActiveFault } from '../../src/faults/stage.ts';

export function faultOf(
  effect: FaultEffect,
  common: Partial<Pick<Fault, 'probability' | 'seed' | 'match' | 'enabled' | 'expiresAt'>> = {},
): Fault {
  const always = { probability: 1, seed: null, match: {}, enabled: true, expiresAt: null };
  return { name: effect.type, ...always, ...common, ...effect };
}

export function activeFault(
  effect: FaultEffect,
  { probability = 1, seed = 1, ordinal = 1, sharedRate = null as PacedRate | null } = {},
): ActiveFault {
  const random = seededRandom(seed, ordinal);
  return { fault: faultOf(effect, { probability, seed }), random, sharedRate };
}

export interface Written {
  readonly at: number;
  readonly bytes: Buffer;
}

export class RecordingSink implements FaultSink {
  readonly written: Written[] = [];
  readonly calls: { readonly at: number; readonly call: string }[] = [];
  /** What the kernel has not taken. */
  pending = 0;
  isReading = true;
  isIdle = false;
  /** All that was written. */
  text = '';
  onWrite: (() => void) | null = null;

  get pieces(): string[] {
    return this.written.map(({ bytes }) => bytes.toString('latin1'));
  }

  get ends(): string[] {
    return this.calls.map(({ call }) => call).filter((call) => !/pause|resume/.test(call));
  }

  write(bytes: Buffer): void {
    if (this.ends.length > 0) throw new Error('written after the end');
    this.written.push({ at: performance.now(), bytes: Buffer.from(bytes) });
    this.text += bytes.toString('latin1');
    this.onWrite?.();
  }

  end(): void {
    this.#note('end');
  }

  close(mode: CloseMode): void {
    this.#note(mode);
  }

  pause(): void {
    if (!this.isReading) throw new Error('paused twice');
    this.isReading = false;
    this.#note('pause');
  }

  resume(): void {
    if (this.isReading) throw new Error('resumed twice');
    this.isReading = true;
    this.#note('resume');
  }

  pendingBytes(): number {
    return this.pending;
  }

  idle(): void {
    this.isIdle = true;
  }

  #note(call: string): void {
    if (this.ends.length > 0) throw new Error(`${call} after ${this.ends}`);
    this.calls.push({ at: performance.now(), call });
  }
}

export interface BenchOptions {
  readonly kind?: 'stream' | 'datagram';
  readonly heldBytesMax?: number;
  readonly resources?: FaultResources;
  readonly ageMs?: number;
}

/** Time for all in one turn of the loop, and no bound over connections. */
export function boundlessFaults(heldBytesMax = 1_000_000): FaultResources {
  const turns = new FaultTurns(Number.POSITIVE_INFINITY);
  return { turns, room: new FaultRoom(heldBytesMax, Number.POSITIVE_INFINITY) };
}

/** A turn of the loop has time for some steps only: each look at the clock takes a part of it. */
export function hurriedFaults(heldBytesMax = 1_000_000, stepsOfPart = 3): FaultResources {
  let steps = 0;
  const turns = new FaultTurns(16 * stepsOfPart, () => ++steps);
  return { turns, room: new FaultRoom(heldBytesMax, Number.POSITIVE_INFINITY) };
}

/** A started pipeline, its sink, and `read`, whose bytes are gone when it returns. */
export function faultBench(
  faults: readonly ActiveFault[],
  { kind = 'stream', heldBytesMax, resources, ageMs = 0 }: BenchOptions = {},
) {
  const sink = new RecordingSink();
  const shared = resources ?? boundlessFaults(heldBytesMax);
  const pipeline = new FaultPipeline({ sink, faults, kind, resources: shared, ageMs });
  pipeline.start();
  const read = (content: string | Buffer): void => {
    const bytes = Buffer.from(content);
    pipeline.push(bytes);
    bytes.fill('~');
  };
  return { sink, pipeline, read };
}
