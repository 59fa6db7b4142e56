/**
 * The faults of one connection, in the order of the listener's list: each takes bytes from the one before it and hands
 * them on, later, fewer, changed or never. Behind the last one is the socket.
 *
 *   client ─► read ─► fault 1 ─► fault 2 ─► … ─► write ─► client
 *
 * - What is held on its way is bounded: reading stops while more than its allowance waits here and in the socket. Of
 *   a datagram's sender nothing can be held back: what would be too much is dropped, as a router does.
 * - Work is bounded, too: what a turn of the loop has no time for goes on in the next, and nothing is read meanwhile.
 * - The client's FIN takes the same way, behind all its bytes.
 * - The list may change while bytes are on their way: none is lost, and none overtakes another.
 */
import { Alarm, monotonicMs } from '../../faults/alarm.ts';
import { definitionOf } from '../../faults/all-faults.ts';
import { type Finish, itemCost } from '../../faults/held-items.ts';
import { HeldTally } from '../../faults/held-tally.ts';
import type { ActiveFault, Link, Stage, StageContext } from '../../faults/stage.ts';
import type { FaultRoom } from './fault-room.ts';
import type { FaultTurns, FaultWork } from './fault-turns.ts';
import { type FaultSink, Outlet } from './outlet.ts';

/** What the faults of all connections of a worker share. */
export interface FaultResources {
  readonly turns: FaultTurns;
  readonly room: FaultRoom;
}

export interface FaultPipelineOptions {
  readonly sink: FaultSink;
  readonly faults: readonly ActiveFault[];
  readonly kind: 'stream' | 'datagram';
  readonly resources: FaultResources;
  /** How long ago the connection was accepted, where that is not now. */
  readonly ageMs?: number;
}

export class FaultPipeline implements FaultWork {
  readonly #sink: FaultSink;
  readonly #resources: FaultResources;
  readonly #acceptedAt: number;
  readonly #held: HeldTally;
  readonly #context: StageContext;
  readonly #outlet: Outlet;
  #stages: readonly Stage[] = [];
  /** Faults without a stage: none is made before a byte comes, for most connections are quiet. */
  #resting: readonly ActiveFault[] = [];
  #head: Link;
  #hasStarted = false;
  #isPaused = false;
  /** The last stage has handed on an end: nothing that comes later counts. */
  #isFinished = false;
  /** Bytes came to an end, by the client or a fault, wherever that end is now. */
  #isEnding = false;

  constructor({ sink, faults, kind, resources, ageMs = 0 }: FaultPipelineOptions) {
    const { turns, room } = resources;
    this.#sink = sink;
    this.#resources = resources;
    this.#acceptedAt = monotonicMs() - ageMs;
    this.#held = new HeldTally(room.held);
    this.#context = {
      kind,
      held: this.#held,
      createAlarm: (onRing) =>
        new Alarm(() => {
          turns.begin();
          onRing();
          this.goOn();
        }),
      hasTime: () => turns.hasTime,
      later: () => {
        if (!this.#isFinished) turns.later(this);
      },
      hasRoomBehind: (stage) => this.#bytesBehind(stage) <= room.allowance,
      closeNow: (mode) => this.#finish(mode),
    };
    this.#outlet = new Outlet(sink, this.#context, (how) => this.#finish(how));
    this.#head = this.#outlet;
    this.replace(faults);
  }

  /** The connection is open: banners and times begin. */
  start(): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    this.#resources.turns.begin();
    for (const stage of this.#stages) {
      if (!this.#isFinished) stage.start(this.#acceptedAt);
    }
    this.#balance();
  }

  /** Bytes of the client, good during this call only; for datagrams, one. */
  push(bytes: Buffer): void {
    if (this.#isFinished) return;
    const { turns, room } = this.#resources;
    const isDatagram = this.#context.kind === 'datagram';
    if (isDatagram && this.#waitingBytes() + itemCost(bytes) > room.allowance) return;
    this.#wake();
    turns.begin();
    this.#head.enter(bytes, false);
    this.#balance();
  }

  /** The client's FIN, or an end of ours that waits for all bytes before it. */
  end(how: 'end' | 'fin' = 'end'): void {
    this.#wake();
    this.#isEnding = true;
    this.#resources.turns.begin();
    this.#head.finish(how);
  }

  /** The sink has got rid of bytes that were pending. */
  drained(): void {
    this.#resources.turns.begin();
    this.goOn();
  }

  /** From the last to the first, so that what is ahead stays ahead. */
  goOn(): void {
    this.#outlet.goOn();
    for (const stage of this.#stages.toReversed()) {
      if (!this.#isFinished) stage.goOn();
    }
    this.#balance();
    if (this.isIdle) this.#sink.idle();
  }

  /** Some of what came is still on its way. */
  get isHolding(): boolean {
    return this.#held.bytes > 0;
  }

  /** Nothing is held, no end is on its way and no fault is left: the echo can do without it. */
  get isIdle(): boolean {
    const isEmpty = this.#stages.length + this.#resting.length === 0 && this.#held.bytes === 0;
    return isEmpty && !this.#isEnding && !this.#isFinished && !this.#isPaused;
  }

  /**
   * A fault that stays keeps its counts, and what it holds where it keeps its place. What the others hold goes on
   * through what stood behind them and stays. A banner that comes new stays silent.
   */
  replace(faults: readonly ActiveFault[]): void {
    if (this.#isFinished) return;
    const known = new Map(this.#stages.map((stage) => [stage.active, stage]));
    const isAtWork = (active: ActiveFault): boolean => known.has(active) || actsUnasked(active);
    const mayRest = !faults.some(isAtWork);
    this.#resting = mayRest ? faults : [];
    this.#rebuild(mayRest ? [] : faults, known);
  }

  #wake(): void {
    const faults = this.#resting;
    this.#resting = [];
    if (faults.length > 0) this.#rebuild(faults, new Map());
  }

  #rebuild(faults: readonly ActiveFault[], known: Map<ActiveFault, Stage>): void {
    this.#resources.turns.begin();
    const before = this.#stages;
    const stages: Stage[] = [];
    const added: Stage[] = [];
    for (const active of inOrder(faults)) {
      const stage = known.get(active) ?? createStage(active, this.#context, this.#outlet);
      if (stage === null) continue;
      if (!known.delete(active)) added.push(stage);
      stages.push(stage);
    }
    const staying = stayingInPlace(before, stages);
    this.#stages = stages;
    this.#head = stages[0] ?? this.#outlet;
    for (const [place, stage] of stages.entries()) stage.next = stages[place + 1] ?? this.#outlet;
    const gone = new Set(known.values());
    this.#handOnHeld(before, staying, gone);
    for (const stage of gone) stage.destroy();
    if (!this.#hasStarted) return;
    for (const stage of added) {
      if (!this.#isFinished) stage.join(this.#acceptedAt);
    }
    this.#balance();
  }

  /** From the last to the first, so that what was ahead stays ahead. */
  #handOnHeld(
    before: readonly Stage[],
    staying: ReadonlySet<Stage>,
    gone: ReadonlySet<Stage>,
  ): void {
    let behind: Link = this.#outlet;
    for (const stage of before.toReversed()) {
      if (staying.has(stage)) {
        behind = stage;
        continue;
      }
      for (const item of stage.giveUp(gone.has(stage))) {
        if (this.#isFinished) return;
        if (typeof item === 'string') behind.finish(item);
        else behind.enter(item, true);
      }
    }
  }

  /** No timer is left, what was held is dropped, and the sink is called no more. */
  destroy(): void {
    this.#isFinished = true;
    for (const stage of this.#stages) stage.destroy();
    this.#stages = [];
    this.#resting = [];
    this.#outlet.destroy();
    this.#head = this.#outlet;
    this.#resources.turns.forget(this);
  }

  #finish(how: Finish): void {
    if (this.#isFinished) return;
    this.destroy();
    // After our FIN the client is still read from, so that what it sends does not reset it.
    if (this.#isPaused && (how === 'fin' || how === 'half_close')) {
      this.#isPaused = false;
      this.#sink.resume();
    }
    if (how === 'end') this.#sink.end();
    else this.#sink.close(how);
  }

  #waitingBytes(): number {
    return this.#held.bytes + this.#sink.pendingBytes();
  }

  /** In the faults behind it, and in the socket. */
  #bytesBehind(stage: Stage): number {
    let bytes = this.#outlet.held.bytes + this.#sink.pendingBytes();
    for (const one of this.#stages.slice(this.#stages.indexOf(stage) + 1)) bytes += one.held.bytes;
    return bytes;
  }

  /** Reads from the client while there is room and no work is left: stops above the bound, goes on below half of it. */
  #balance(): void {
    if (this.#isFinished || this.#context.kind === 'datagram') return;
    const { turns, room } = this.#resources;
    const isStalling = this.#hasStarted && this.#stages.some((stage) => stage.isStalling);
    const bound = this.#isPaused ? room.allowance / 2 : room.allowance;
    const isPaused = isStalling || turns.isWaiting(this) || this.#waitingBytes() > bound;
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#sink.pause();
    else this.#sink.resume();
  }
}

function actsUnasked({ fault }: ActiveFault): boolean {
  return definitionOf(fault).actsUnasked?.(fault) === true;
}

/** null for the faults that are over once a connection is let in. */
function createStage(active: ActiveFault, context: StageContext, next: Link): Stage | null {
  const definition = definitionOf(active.fault);
  // No list may hold one; if it did, a datagram could become many.
  if (context.kind === 'datagram' && !definition.on.includes('datagram')) return null;
  return 'createStage' in definition ? definition.createStage(active, context, next) : null;
}

/**
 * As listed, but what counts what is read stands in front. A datagram is doubled once at most, whatever the list says:
 * to a forged source it would be as many as the doublings multiply to.
 */
function inOrder(faults: readonly ActiveFault[]): readonly ActiveFault[] {
  const counts = ({ fault }: ActiveFault): boolean => definitionOf(fault).countsReads === true;
  const doubles = ({ fault }: ActiveFault): boolean => definitionOf(fault).isDoubling === true;
  const doubling = faults.find(doubles);
  const others = faults.filter(
    (active) => !counts(active) && (!doubles(active) || active === doubling),
  );
  return [...faults.filter(counts), ...others];
}

/**
 * The stages that have kept their place: one behind the other before and after. Any other that is still in the list
 * has moved forward past one of these.
 */
function stayingInPlace(before: readonly Stage[], after: readonly Stage[]): Set<Stage> {
  const staying = new Set<Stage>();
  let last = -1;
  for (const stage of before) {
    const place = after.indexOf(stage);
    if (place <= last) continue;
    last = place;
    staying.add(stage);
  }
  return staying;
}
