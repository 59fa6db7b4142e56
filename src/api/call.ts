/**
 * What happens around every operation, for both edges alike and in this order: the caller has been identified, it is
 * allowed, within its project's rate, its input is read, it has one of its project's places, a repeat is answered as
 * before, and the operation runs.
 */
import type { z } from 'zod';
import type { Caller } from '../core/caller.ts';
import type { Keys } from '../core/keys.ts';
import type { RequestRates } from '../core/request-rates.ts';
import type { LeftCalls } from '../core/while-there.ts';
import type { Refusals } from '../tenancy/refusals.ts';
import { assertAllowed, assertAllowedTold } from './allowed.ts';
import type { CallLines } from './call-lines.ts';
import { type Answer, answerOnce, type IdempotencyOptions } from './idempotency.ts';
import type { LongPages, Pace } from './long-pages.ts';
import type { Given, Operation, StreamOperation } from './operation.ts';
import type { Operations } from './operations.ts';
import type { World } from './world.ts';

/** Who calls, as an edge knows it: what is called is known here. */
export type EdgeCaller = Omit<Caller, 'operation'>;

/** What an edge has of a call. */
export interface Ask<At, Input> {
  readonly caller: EdgeCaller;
  /** The input as its schemas leave it. @throws invalid_argument */
  readonly read: () => Given<At, Input>;
  /** Of its Idempotency-Key, where it has one. */
  readonly key?: string | undefined;
}

/** What came of a call, to be disposed of when it is on its way to the caller. */
export interface Answered<Output> extends Answer<Output>, Disposable {
  readonly pace: Pace;
}

export interface ApiOptions {
  readonly world: World;
  readonly operations: Operations;
  readonly keys: Keys;
  readonly rates: Pick<RequestRates, 'take'>;
  /** Told of what callers are not allowed. */
  readonly refusals: Pick<Refusals, 'heard'>;
  readonly longPages: Pick<LongPages, 'paceOf'>;
  readonly callLines: Pick<CallLines, 'take'>;
  readonly leftCalls: Pick<LeftCalls, 'whileThere'>;
  readonly idempotency: IdempotencyOptions;
}

export class Api {
  readonly operations: Operations;
  readonly keys: Keys;
  readonly refusals: ApiOptions['refusals'];
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.operations = options.operations;
    this.keys = options.keys;
    this.refusals = options.refusals;
    this.#options = options;
  }

  /** @throws permission_denied, resource_exhausted, invalid_argument, what answerOnce throws, and what the operation throws */
  async call<At extends z.ZodType, Input extends z.ZodType, Output>(
    operation: Operation<At, Input, Output>,
    ask: Ask<z.output<At>, z.output<Input>>,
  ): Promise<Answered<Output>> {
    const caller = { ...ask.caller, operation: operation.name };
    try {
      assertAllowed(caller, operation);
      this.#options.rates.take(caller);
      const given = ask.read();
      using resources = new DisposableStack();
      const paceOf = () => this.#options.longPages.paceOf(caller, given.input);
      // What is waited for may be long in coming, and is no page before it has come.
      const early = operation.waits ? null : resources.use(await paceOf());
      const answer = await this.#run(operation, caller, given, ask.key);
      const pace = early ?? resources.use(await paceOf());
      const held = resources.move();
      return { ...answer, pace, [Symbol.dispose]: () => held.dispose() };
    } catch (error) {
      throw this.refusals.heard(caller, error);
    }
  }

  /** Of what is no operation and long: it counts as a call of its project, and waits for its turn as a long page does. @throws resource_exhausted */
  async turn(caller: Caller): Promise<void> {
    this.#options.rates.take(caller);
    using pace = await this.#options.longPages.paceOf(caller, { pageSize: Infinity });
    await pace.turn?.();
  }

  async #run<At extends z.ZodType, Input extends z.ZodType, Output>(
    operation: Operation<At, Input, Output>,
    caller: Caller,
    given: Given<z.output<At>, z.output<Input>>,
    key: string | undefined,
  ): Promise<Answer<Output>> {
    if (operation.waits) return await this.#wait(operation, caller, given);
    using _ = await this.#options.callLines.take(caller);
    // What has begun is brought to its end, and its answer kept, whoever waits for it.
    const answer = () => this.#answer(operation, caller, given, key);
    return await this.#options.leftCalls.whileThere(caller, answer);
  }

  async #answer<At extends z.ZodType, Input extends z.ZodType, Output>(
    operation: Operation<At, Input, Output>,
    caller: Caller,
    given: Given<z.output<At>, z.output<Input>>,
    key: string | undefined,
  ): Promise<Answer<Output>> {
    if (key === undefined || !operation.takesKey) {
      const output = await operation.run(this.#options.world, caller, given, null);
      return { output, isReplayed: false };
    }
    const { kind, id } = caller.actor;
    return await answerOnce(this.#options.idempotency, {
      caller,
      key,
      scope: [caller.project, kind, id ?? '', operation.name, JSON.stringify(given.at)],
      given: given.input,
      run: (run) => operation.run(this.#options.world, caller, given, run),
      kept: (output) => (operation.kept === undefined ? output : operation.kept(output)),
    });
  }

  async #wait<At extends z.ZodType, Input extends z.ZodType, Output>(
    operation: Operation<At, Input, Output>,
    caller: Caller,
    given: Given<z.output<At>, z.output<Input>>,
  ): Promise<Answer<Output>> {
    using watch = this.keys.watch(caller);
    const signal = AbortSignal.any([caller.signal, watch.signal]);
    const output = await operation.run(this.#options.world, { ...caller, signal }, given, null);
    return { output, isReplayed: false };
  }

  /** @throws permission_denied, resource_exhausted, invalid_argument, and what the stream throws */
  stream<Input extends z.ZodType, Item>(
    operation: StreamOperation<Input, Item>,
    by: EdgeCaller,
    read: () => z.output<Input>,
  ): AsyncGenerator<Item, void, void> {
    const caller = { ...by, operation: operation.name };
    assertAllowedTold(this.refusals, caller, operation);
    this.#options.rates.take(caller);
    return this.#watched(operation, caller, read());
  }

  /** It ends when its caller's key does: nothing passes that the key would not let pass now. */
  async *#watched<Input extends z.ZodType, Item>(
    operation: StreamOperation<Input, Item>,
    caller: Caller,
    input: z.output<Input>,
  ): AsyncGenerator<Item, void, void> {
    using watch = this.keys.watch(caller);
    const signal = AbortSignal.any([caller.signal, watch.signal]);
    try {
      for await (const item of operation.run(this.#options.world, { ...caller, signal }, input)) {
        const isGood = watch.good();
        if (isGood !== null) await isGood;
        yield item;
      }
      if (!caller.signal.aborted) watch.signal.throwIfAborted();
    } catch (error) {
      throw this.refusals.heard(caller, error);
    }
  }
}
