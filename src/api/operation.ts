/**
 * An operation is declared once: its name, what a caller must be allowed, what it takes, and what it does. Both edges
 * bind theirs from it; see operations.ts for all of them, and call.ts for what happens before one runs.
 */
import { z } from 'zod';
import type { Caller, Scope } from '../core/caller.ts';
import type { Run } from './idempotency.ts';
import type { World } from './world.ts';

/** What a caller gives: the thing that it is about, as `at`, and all else. */
export interface Given<At, Input> {
  readonly at: At;
  readonly input: Input;
}

interface Declared {
  readonly name: string;
  /** What the caller must be allowed; null: whoever is known may. */
  readonly scope: Scope | null;
}

export interface Operation<At extends z.ZodType, Input extends z.ZodType, Output> extends Declared {
  readonly at: At;
  readonly input: Input;
  /** It changes something: who does is in the audit. */
  readonly audited: boolean;
  /** A repeat under its Idempotency-Key has no second effect, and gets the first answer: plain JSON data. */
  readonly takesKey: boolean;
  /** Fields of what it changes that only the create has: whoever gives one is told so. */
  readonly fixed: readonly string[];
  /** It may wait for long: then it ends when its caller's key does. */
  readonly waits: boolean;
  /** What is kept of an answer under its Idempotency-Key, where that is not all of it. */
  kept?(output: Output): unknown;
  run(
    world: World,
    caller: Caller,
    given: Given<z.output<At>, z.output<Input>>,
    run: Run | null,
  ): Promise<Output>;
}

/** An operation whose answer goes on for as long as its caller is there. */
export interface StreamOperation<Input extends z.ZodType, Item> extends Declared {
  readonly input: Input;
  run(world: World, caller: Caller, input: z.output<Input>): AsyncGenerator<Item, void, void>;
}

const nothing = z.strictObject({});
type Nothing = typeof nothing;

type OptionalParts = 'at' | 'input' | 'audited' | 'takesKey' | 'waits' | 'fixed';

export function operation<
  Output,
  At extends z.ZodType = Nothing,
  Input extends z.ZodType = Nothing,
>(
  parts: Omit<Operation<At, Input, Output>, OptionalParts> &
    Partial<Pick<Operation<At, Input, Output>, OptionalParts>>,
): Operation<At, Input, Output> {
  // Where a schema is left out, its type is that of `nothing`.
  const { at = nothing as z.ZodType as At, input = nothing as z.ZodType as Input } = parts;
  const { audited = false, takesKey = false, waits = false, fixed = [] } = parts;
  return { ...parts, at, input, audited, takesKey, waits, fixed };
}

export function streamOperation<Input extends z.ZodType, Item>(
  parts: StreamOperation<Input, Item>,
): StreamOperation<Input, Item> {
  return parts;
}
