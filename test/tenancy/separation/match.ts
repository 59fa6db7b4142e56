/**
 * Two projects played against each other. Whatever the one asks, with its own things or the other's: the other sees
 * nothing of it, and it is told nothing of the other.
 */
import { createServer } from 'node:net';
import { expect } from 'vitest';
import { freePort, sparePorts } from '../../support/free-port.ts';
import type { SharedApp } from '../../support/test-app.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type Answer, askRest, type EdgeName, GrpcCaller } from './answers.ts';
import { type Ask, asks, commonWords, type Things } from './asks.ts';
import { neverThings, Player, type View } from './player.ts';

export interface Move {
  readonly operation: keyof typeof asks;
  /** Which of the operation's asks. */
  readonly variant: number;
  readonly edge: EdgeName;
  /** Which of its keys the caller shows. */
  readonly key: number;
  /** The names of the things that are the other's; the rest are the caller's own. */
  readonly foreign: readonly (keyof Things)[];
  readonly names: 'none' | 'own' | 'other';
  readonly isRepeat: boolean;
}

/** What two asks of it must answer alike to be told apart by nothing. */
const isRead = (operation: string) => /^(get|list|wait|stream)/.test(operation);

export class Match implements AsyncDisposable {
  readonly #app: SharedApp;
  readonly #resources: AsyncDisposableStack;
  readonly #grpc: GrpcCaller;
  readonly #players: readonly [Player, Player];
  readonly #foreignPort: number;
  /** Of each player: the names that it has given to things of its own, and under what it has sent a key of the other's. */
  readonly #taken = [new Set<string>(), new Set<string>()] as const;

  /** What each saw last of itself; null: it has played since. */
  readonly #views: [View | null, View | null] = [null, null];

  private constructor(
    app: SharedApp,
    players: readonly [Player, Player],
    foreignPort: number,
    resources: AsyncDisposableStack,
  ) {
    this.#app = app;
    this.#players = players;
    this.#foreignPort = foreignPort;
    this.#resources = resources;
    this.#grpc = resources.use(new GrpcCaller(app));
  }

  static async begin(app: SharedApp, token: string): Promise<Match> {
    await using resources = new AsyncDisposableStack();
    const players = [
      resources.use(await Player.begin(app, token)),
      resources.use(await Player.begin(app, token)),
    ] as const;
    const port = await takePort(resources);
    return new Match(app, players, port, resources.move());
  }

  /** The one plays, the other is watched. */
  async play(by: 0 | 1, move: Move): Promise<Answer> {
    const [actor, other] = by === 0 ? this.#players : this.#players.toReversed();
    if (actor === undefined || other === undefined) throw new TypeError('there are two');
    const before = this.#views[1 - by] ?? (await other.view());
    const [mixed, twin] = this.#twins(actor, other, move);
    const isComparable = this.#isComparable(by, mixed, move, before);
    const answer = await this.#ask(actor, mixed, move);
    const about = `${move.operation} ${move.variant} over ${move.edge}`;
    this.#assertOwn(answer, by, mixed.idempotencyKey === other.things.idempotencyKey, move);
    if (move.operation.startsWith('create')) {
      for (const name of [mixed.listenerName, mixed.keyName]) this.#taken[by].add(name);
    }
    const marks = this.#marksFor(by, before);
    expect(told(answer, marks), `${about} tells of the other`).toEqual([]);
    if (isComparable) {
      const ofNobody = await this.#ask(actor, twin, move);
      const same = [answer, ofNobody].map(({ isRefused, text }, index) =>
        isRefused || isRead(move.operation) ? plain(text, index === 0 ? mixed : twin) : 'done',
      );
      expect(same[0], `${about} is answered as for what never was`).toBe(same[1]);
    }
    this.#views[by] = null;
    this.#views[1 - by] = before;
    // What a read has changed is seen after the next ask that is none.
    if (!isRead(move.operation)) {
      expect(await other.view(), `${about} changes the other`).toEqual(before);
    }
    if (move.operation.startsWith('create')) await actor.tidy();
    return answer;
  }

  /** What tells of the other, in its own view: not what both have, since the one took the other's name. */
  #marksFor(by: 0 | 1, others: View): readonly string[] {
    const { [by]: one, [1 - by]: other } = this.#players;
    const { listenerName, keyName } = one.things;
    const own = new Set([...commonWords, listenerName, keyName, ...this.#taken[by]]);
    return [...(other?.marks(others) ?? [])].filter((mark) => !own.has(mark));
  }

  /** The things of the move, and the same with what never was in place of the other's. */
  #twins(actor: Player, other: Player, { foreign }: Move): readonly [Things, Things] {
    const never = neverThings(other.things, this.#foreignPort);
    const pick = (from: Things) =>
      Object.fromEntries(foreign.map((name) => [name, from[name]])) as Partial<Things>;
    return [
      { ...actor.things, ...pick(other.things) },
      { ...actor.things, ...pick(never) },
    ];
  }

  async #ask(actor: Player, things: Things, move: Move): Promise<Answer> {
    const all: readonly Ask[] = asks[move.operation](things);
    const ask = all[move.variant % all.length];
    if (ask === undefined) throw new TypeError('each operation is asked');
    const secret = actor.secrets[move.key % actor.secrets.length];
    const named = { none: null, own: actor.things.project, other: things.project }[move.names];
    const headers = {
      authorization: `Bearer ${secret}`,
      ...(named !== null && { 'kodama-project': named }),
      ...(move.isRepeat && { 'idempotency-key': things.idempotencyKey }),
    };
    return move.edge === 'rest' || ask.grpc === null
      ? await askRest(this.#app, ask, headers)
      : await this.#grpc.ask(ask.grpc, headers);
  }

  /**
   * Whether what never was must be answered alike: not where the first ask may have left nothing of the caller's own, nor
   * where the caller has something by the other's name.
   */
  #isComparable(
    by: 0 | 1,
    things: Things,
    { operation, foreign, isRepeat }: Move,
    others: View,
  ): boolean {
    const taken = this.#taken[by];
    if (isRepeat && taken.has(`repeat of ${operation}`)) return false;
    const isForeign = foreign.length === Object.keys(things).length;
    // A port that rests is told from one of another program.
    const isBound = JSON.stringify(others.listeners).includes(`"port":${things.port}`);
    if (operation.startsWith('create')) return isForeign && isBound;
    if (taken.has(things.listenerName)) return false;
    return isRead(operation) || isForeign;
  }

  /** Under a key that the other has used nothing is answered as before, but what this one was answered itself. */
  #assertOwn({ text }: Answer, by: 0 | 1, isOthersKey: boolean, move: Move): void {
    if (!isOthersKey || !move.isRepeat) return;
    const repeated = `repeat of ${move.operation}`;
    if (!this.#taken[by].has(repeated)) {
      expect(text, 'the answer is the other’s').not.toContain('idempotent-replayed');
    }
    this.#taken[by].add(repeated);
  }

  /** Each has followed its own log, all of it, and nothing else. */
  async end(): Promise<void> {
    const [one, two] = this.#players;
    for (const [by, player, other] of [
      [0, one, two],
      [1, two, one],
    ] as const) {
      await player.caughtUp();
      const view = await other.view();
      expect(view).toEqual(this.#views[1 - by] ?? view);
      const marks = this.#marksFor(by, view);
      const answer = { isRefused: false, asked: '', text: player.followed.join('\n') };
      expect(told(answer, marks), 'a stream tells of the other').toEqual([]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** What is in the answer, and was not in what was asked. */
function told({ text, asked }: Answer, marks: readonly string[]): readonly string[] {
  return marks.filter((mark) => text.includes(mark) && !asked.includes(mark));
}

/** With the names of the things in the place of the things. */
function plain(text: string, things: Things): string {
  return Object.entries(things).reduce((rest, [name, value]) => {
    if (typeof value === 'string') return rest.replaceAll(value, `<${name}>`);
    // Its digits may be among those of another number, such as a time.
    return name === 'port' ? rest.replaceAll(portIn(value), `<${name}>`) : rest;
  }, text);
}

function portIn(port: unknown): RegExp {
  return new RegExp(`(?<!\\d)${port}(?!\\d)`, 'g');
}

/** Of a program that is no kodama, where a project might have it. */
async function takePort(resources: AsyncDisposableStack): Promise<number> {
  const port = await freePort(sparePorts);
  const server = createServer().listen(port, '127.0.0.1');
  resources.defer(() => void server.close());
  await waitFor('the foreign program', () => server.listening);
  return port;
}
