/**
 * What the gateway needs of the fleet: who may join, whose key is whose, and what becomes of a node's session. A session
 * is the node's place in the log, which one replica holds at a time: whoever takes it next ends it here.
 */
import type { DataPlane, Observed } from '../core/ports.ts';
import type { WorkerRecord } from '../core/record.ts';
import type { Micros } from '../core/time.ts';

export interface JoinRequest {
  readonly token: string;
  /** Ed25519, the raw 32 bytes (RFC 8032). */
  readonly publicKey: Buffer;
  /** What it wants to be called: a taken name gets a suffix. */
  readonly name: string;
  readonly hostname: string;
  readonly version: string;
  readonly sourceIp: string | null;
}

/** Who shows which key. */
export interface KnownNode {
  readonly nodeId: string;
  readonly name: string;
  readonly publicKey: Buffer;
}

/** What an agent tells of itself once its key is checked. */
export interface NodeHello {
  readonly nodeId: string;
  /** Another one with each start of the agent: its records are numbered from 1 within. */
  readonly bootId: string;
  readonly version: string;
  readonly hostname: string;
  readonly addresses: readonly string[];
  readonly listenHost: string;
  readonly portRange: { readonly from: number; readonly to: number } | null;
  readonly clockOffsetMs: number;
  /** Open at once, as it bounds them itself; 0: it is of a version that does not say. */
  readonly connectionsMax: number;
}

/** How much an agent holds. */
export interface Beat {
  readonly openConnections: number;
  readonly spoolRecords: number;
  readonly clockOffsetMs: number;
}

/** Why a session ends; the agent of one that is `final` has no more to come back for. */
export interface Goodbye {
  readonly reason: string;
  readonly retryAfterMs: number;
  readonly final: boolean;
}

/** The stream of a session, as the fleet uses it. */
export interface SessionLink {
  /** Over the stream: what is wished goes to the agent, and its answers come back. Worker ids are boot ids. */
  readonly dataPlane: DataPlane;
  /** All that is wished has been told since the session began: what the agent has beyond is to go. */
  wishEnd(): void;
  /** Says goodbye, and ends the stream. Idempotent. */
  end(goodbye: Goodbye): void;
}

/** A session that was begun. Calls come in the order in which things happened on the node. */
export interface NodeSession {
  /** Rises with each session of a node. */
  readonly number: number;
  /** As of the last beat that was written. */
  readonly lostAfterMs: number;
  /** The time on which the agent is to go. */
  readonly now: Micros;
  /** Sends the wish over the link's data plane, then `wishEnd`. Told once, behind the welcome. */
  start(): void;
  /**
   * `first` is the number of the first of them, which counts from 1 within a boot; each number is one record for ever.
   * Those that are on record already have no effect. Resolves when all are committed; never where the session ends before.
   */
  onRecords(first: number, records: readonly WorkerRecord[], isAwaited: boolean): Promise<void>;
  onObserved(observed: Observed): void;
  /** Resolves with whether it is written that the node was there. */
  beat(beat: Beat): Promise<boolean>;
  /** The stream is over. Idempotent. */
  end(): void;
}

export interface Admission {
  /** A UUID that no other database has: agents sign it, so that what is signed for one is nothing to another. */
  installationId(): Promise<string>;
  /**
   * Idempotent by token and key: a lost answer burns no use.
   * @throws unauthenticated (a token that is nobody's, over or used up), invalid_argument, resource_exhausted, unavailable
   */
  join(request: JoinRequest): Promise<KnownNode>;
  /** Null where none is on record, nor that it was removed. @throws unavailable */
  find(nodeId: string): Promise<KnownNode | 'removed' | null>;
  /** Takes the node's place from whoever has it. @throws not_found (it was removed), resource_exhausted, unavailable */
  begin(hello: NodeHello, link: SessionLink): Promise<NodeSession>;
}
