/** The fleet as the gateway sees it, in memory: it records what it got, and can hold commits, refuse, and end sessions. */
import { randomUUID } from 'node:crypto';
import { AppError, hasCode } from '../../src/core/errors.ts';
import type { Binding, Observed } from '../../src/core/ports.ts';
import type { WorkerRecord } from '../../src/core/record.ts';
import type {
  Admission,
  Beat,
  JoinRequest,
  KnownNode,
  NodeHello,
  NodeSession,
  SessionLink,
} from '../../src/fleet/admission.ts';

export const goodToken = `kodamajoin_${'A'.repeat(33)}`;

/** As the fleet begins a session; where that is over before, the next one does it again. */
export function wishAll({ dataPlane, wishEnd }: SessionLink, bindings: readonly Binding[]): void {
  const wished = bindings.map((binding) => dataPlane.wish({ generation: 1, binding }));
  Promise.all(wished).then(wishEnd, (error: unknown) => {
    if (!hasCode(error, 'unavailable')) throw error;
  });
}

/** One session that it began, and what came in it. */
export class TestSession implements NodeSession {
  readonly number: number;
  readonly hello: NodeHello;
  readonly link: SessionLink;
  readonly beats: Beat[] = [];
  readonly observed: Observed[] = [];
  isStarted = false;
  isOver = false;
  readonly #admission: TestAdmission;

  constructor(admission: TestAdmission, number: number, hello: NodeHello, link: SessionLink) {
    this.#admission = admission;
    this.number = number;
    this.hello = hello;
    this.link = link;
  }

  get lostAfterMs(): number {
    return this.#admission.lostAfterMs;
  }

  get now(): number {
    return this.#admission.now();
  }

  start(): void {
    this.isStarted = true;
    this.#admission.onStart(this);
  }

  async onRecords(first: number, records: readonly WorkerRecord[], isAwaited: boolean) {
    await this.#admission.take(this, first, records, isAwaited);
  }

  onObserved(observed: Observed): void {
    this.observed.push(observed);
    this.#admission.onObserved(observed);
  }

  async beat(beat: Beat): Promise<boolean> {
    this.beats.push(beat);
    return this.#admission.isStored;
  }

  end(): void {
    this.isOver = true;
  }
}

export class TestAdmission implements Admission {
  readonly installation = randomUUID();
  readonly nodes = new Map<string, KnownNode | 'removed'>();
  readonly sessions: TestSession[] = [];
  readonly joins: JoinRequest[] = [];
  /** Of a boot, in the order of their numbers: what is on record. */
  readonly committed = new Map<string, WorkerRecord[]>();
  /** How often a number came that was on record already. */
  repeats = 0;
  /** Commits wait until this resolves. */
  gate: Promise<void> = Promise.resolve();
  isStored = true;
  lostAfterMs = 300_000;
  /** Refuses whoever wants to join, or to begin. */
  refusal: AppError | null = null;
  now: () => number = () => Date.now() * 1000;
  onStart: (session: TestSession) => void = ({ link }) => link.wishEnd();
  onObserved: (observed: Observed) => void = () => undefined;
  onRecords: (bootId: string, records: readonly WorkerRecord[], isAwaited: boolean) => void = () =>
    undefined;

  async installationId(): Promise<string> {
    return this.installation;
  }

  async join(request: JoinRequest): Promise<KnownNode> {
    this.joins.push(request);
    if (this.refusal !== null) throw this.refusal;
    if (request.token !== goodToken) throw new AppError('unauthenticated', 'nobody’s token');
    for (const known of this.nodes.values())
      if (known !== 'removed' && known.publicKey.equals(request.publicKey)) return known;
    const node = { nodeId: randomUUID(), name: request.name, publicKey: request.publicKey };
    this.nodes.set(node.nodeId, node);
    return node;
  }

  async find(nodeId: string): Promise<KnownNode | 'removed' | null> {
    return this.nodes.get(nodeId) ?? null;
  }

  async begin(hello: NodeHello, link: SessionLink): Promise<NodeSession> {
    if (this.refusal !== null) throw this.refusal;
    const { nodeId } = hello;
    const before = this.sessions.find((one) => !one.isOver && one.hello.nodeId === nodeId);
    before?.link.end({ reason: 'another has come', retryAfterMs: 0, final: false });
    const session = new TestSession(this, this.sessions.length + 1, hello, link);
    this.sessions.push(session);
    return session;
  }

  /** The one that is open; undefined where none is. */
  get session(): TestSession | undefined {
    return this.sessions.findLast(({ isOver }) => !isOver);
  }

  /** All that is on record, of all boots. */
  get records(): readonly WorkerRecord[] {
    return [...this.committed.values()].flat();
  }

  async take(
    session: TestSession,
    first: number,
    records: readonly WorkerRecord[],
    isAwaited: boolean,
  ): Promise<void> {
    await this.gate;
    if (session.isOver) return await new Promise<never>(() => undefined);
    const { bootId } = session.hello;
    const committed = this.committed.get(bootId) ?? [];
    this.committed.set(bootId, committed);
    const known = Math.max(0, committed.length + 1 - first);
    this.repeats += Math.min(known, records.length);
    if (first > committed.length + 1) throw new TypeError(`number ${first} leaves a gap`);
    const fresh = records.slice(known);
    committed.push(...fresh);
    this.onRecords(bootId, fresh, isAwaited);
  }
}
