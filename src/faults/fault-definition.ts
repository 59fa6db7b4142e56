/**
 * All that kodama knows of one fault: what a caller gives, what it is for, and what it does. Each has one file, and its
 * line in `all-faults.ts`. Nobody else asks which fault it is: what matters to them is said here.
 */
import type { Fields } from './fields.ts';
import type { PacedRate } from './paced-rate.ts';
import type { ActiveFault, Link, Stage, StageContext } from './stage.ts';

interface AnyEffect {
  readonly type: string;
}

interface Described<Effect extends AnyEffect> {
  readonly type: Effect['type'];
  /** In the words of the API. */
  readonly about: string;
  /** What it has a meaning for: the streams of TCP and TLS, the datagrams of UDP. */
  readonly on: readonly StageContext['kind'][];
  readonly fields: Fields;
  /** Fields of which a caller gives one. */
  readonly exactlyOneOf?: readonly string[];
  /** For connections still to come: those that live neither have it nor are counted. */
  readonly isForNewOnly?: true;
  /** The fault counts what is read, so it stands in front of all others, wherever it is listed. */
  readonly countsReads?: true;
  /** It acts before a byte has come: its stage is there from the start, and not only when one comes. */
  actsUnasked?(effect: Effect): boolean;
  /** A datagram comes back as two. */
  readonly isDoubling?: true;
  /** What comes back is like nothing that came. */
  readonly isChanging?: true;
  /** How long a datagram may wait, where so many bytes may wait before it. */
  holdsMs?(effect: Effect, heldBytesMax: number): number;
  /** The rate that a listener's connections have in common, in one of so many workers; null where each has its own. */
  sharedRate?(effect: Effect, workers: number): PacedRate | null;
}

/** What a fault does to a connection before it is let in; it is over then. */
export interface Admission {
  readonly isRefused: boolean;
  readonly delayMs: number;
}

interface AtAccept<Effect extends AnyEffect> {
  atAccept(effect: Effect): Admission;
}

/** It stands between what a connection reads and what it writes. */
interface InConnection<Effect extends AnyEffect> {
  createStage(active: ActiveFault<Effect>, context: StageContext, next: Link): Stage;
}

export type FaultDefinition<Effect extends AnyEffect = AnyEffect> = Described<Effect> &
  (AtAccept<Effect> | InConnection<Effect>);
