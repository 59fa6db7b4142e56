/**
 * What is asked of nodes whose place another replica has: a row in the database, and a wake; so is the answer. Whoever has
 * the node's place runs it; one that finds no answer is run again by who has the place next, until nobody waits any more.
 * So what is asked has one effect, however often it is run.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Caller, Scope } from '../core/caller.ts';
import { AppError, type ErrorCode, type ErrorDetails, hasCode, Unsettled } from '../core/errors.ts';
import type { HeldNode } from '../core/held-node.ts';
import type { HeldNodes } from '../core/held-nodes.ts';
import { Lines } from '../core/lines.ts';
import type { Listener } from '../core/listener.ts';
import type { NodeCommand, OtherNodes } from '../core/node-command.ts';
import type { Nodes, Whereabouts } from '../core/nodes.ts';
import type { Logger } from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import type { CommandRows, PostedCommand } from './store.ts';

export interface NodeCommandLimits {
  /** How long who asks waits. */
  readonly commandTimeoutMs: number;
  /** Of those that wait here for an answer, and that are run here at once. */
  readonly commandsMax: number;
  /** Of one project's that wait here for an answer; its further ones wait in line. */
  readonly commandsPerProjectMax: number;
  /** How often it is looked for commands and answers without a wake. */
  readonly commandPollMs: number;
}

export interface NodeCommandsOptions {
  readonly rows: CommandRows;
  readonly places: Pick<Nodes, 'whereIs'>;
  readonly held: HeldNodes;
  readonly logger: Logger;
  readonly limits: NodeCommandLimits;
}

/** @throws what the command throws */
export type RunHere = (
  by: Caller | null,
  project: ProjectRef,
  nodeId: string,
  command: NodeCommand,
) => Promise<readonly Listener[]>;

/** As JSON has it. */
interface Asked {
  readonly by: (Omit<Caller, 'signal' | 'scopes'> & { readonly scopes: readonly Scope[] }) | null;
  readonly command: NodeCommand;
}

type Answer =
  | { readonly listeners: readonly Listener[] }
  | {
      readonly error: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly details: ErrorDetails;
        readonly isUnsettled?: boolean;
      };
    };

const retryAfterMs = 1000;

export class NodeCommands implements OtherNodes, AsyncDisposable {
  readonly #options: NodeCommandsOptions;
  readonly #stop = new AbortController();
  readonly #lines: Lines<ProjectRef>;
  /** By the ids of what is asked here. */
  readonly #waiting = new Map<string, PromiseWithResolvers<Answer>>();
  /** By the ids of what is being run here: for which session of its node. */
  readonly #running = new Map<string, HeldNode>();
  #runHere: RunHere | null = null;
  #endWake: () => void = () => undefined;
  #looking: Promise<void> | null = null;
  #isDue = false;
  #polling: Promise<void> = Promise.resolve();

  constructor(options: NodeCommandsOptions) {
    this.#options = options;
    const { commandsPerProjectMax: max, commandTimeoutMs: waitMs } = options.limits;
    this.#lines = new Lines({ atOnceMax: () => max, waitMs }, () => tooMany(max));
  }

  /** How many wait here for an answer. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** From now on it answers what is asked of its nodes: by itself, and by others where there can be any. */
  start(run: RunHere, { isAlone }: { readonly isAlone: boolean }): void {
    this.#runHere = run;
    // What was asked of a node while nobody had its place.
    this.#options.held.onAdded(() => this.#look());
    if (isAlone) return;
    this.#endWake = this.#options.rows.onWake(() => this.#look());
    this.#polling = this.#poll();
  }

  async whereIs(nodeId: string): Promise<Whereabouts> {
    return await this.#options.places.whereIs(nodeId);
  }

  async run(
    by: Caller | null,
    project: ProjectRef,
    nodeId: string,
    command: NodeCommand,
  ): Promise<readonly Listener[]> {
    const { rows, limits } = this.#options;
    const { commandsMax, commandTimeoutMs: restMs } = limits;
    using _place = await this.#lines.take(project);
    if (this.#waiting.size >= commandsMax) throw unanswered(nodeId);
    const id = randomUUID();
    const answer = Promise.withResolvers<Answer>();
    this.#waiting.set(id, answer);
    try {
      const text = JSON.stringify({ by: by && plain(by), command } satisfies Asked);
      await rows.post({ id, nodeId, project, text, restMs });
      // A wake is for other processes, and the node's place may be here by now.
      this.#look();
      const late = delay(restMs, null, { ref: false, signal: this.#stop.signal });
      const answered = await Promise.race([answer.promise, late.catch(() => null)]);
      if (answered === null) throw unanswered(nodeId);
      if ('listeners' in answered) return answered.listeners;
      const { code, message, details, isUnsettled } = answered.error;
      throw isUnsettled ? new Unsettled(message) : new AppError(code, message, details);
    } finally {
      this.#waiting.delete(id);
      await rows.remove(id).catch(() => undefined);
    }
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stop;
    const { commandPollMs } = this.#options.limits;
    while (await delay(commandPollMs, true, { signal }).catch(() => false)) this.#look();
  }

  /** One look at a time, and one more where it was asked for meanwhile. */
  #look(): void {
    this.#isDue = true;
    this.#looking ??= this.#lookAll().finally(() => {
      this.#looking = null;
    });
  }

  async #lookAll(): Promise<void> {
    while (this.#isDue && !this.#stop.signal.aborted) {
      this.#isDue = false;
      try {
        await Promise.all([this.#lookForAnswers(), this.#lookForCommands()]);
      } catch (err) {
        if (!hasCode(err, 'unavailable')) {
          this.#options.logger.error({ err }, 'could not look for commands of nodes');
        }
      }
    }
  }

  async #lookForAnswers(): Promise<void> {
    const ids = [...this.#waiting.keys()];
    if (ids.length === 0) return;
    for (const [id, text] of await this.#options.rows.answers(ids)) {
      this.#waiting.get(id)?.resolve(JSON.parse(text) as Answer);
    }
  }

  async #lookForCommands(): Promise<void> {
    const { rows, held, limits } = this.#options;
    const nodeIds = held.all().map(({ nodeId }) => nodeId);
    const room = limits.commandsMax - this.#running.size;
    if (nodeIds.length === 0 || room <= 0) return;
    for (const posted of await rows.waiting(nodeIds, limits.commandsMax)) {
      const node = held.get(posted.nodeId);
      // What an earlier session of the node began may never come to an end.
      if (node === null || this.#running.get(posted.id) === node) continue;
      this.#running.set(posted.id, node);
      void this.#serve(posted, node).finally(() => {
        if (this.#running.get(posted.id) === node) this.#running.delete(posted.id);
      });
      if (this.#running.size >= limits.commandsMax) return;
    }
  }

  async #serve(posted: PostedCommand, node: HeldNode): Promise<void> {
    const { id, nodeId, project, text, restMs } = posted;
    const { rows, held, logger } = this.#options;
    const { by, command } = JSON.parse(text) as Asked;
    const signal = AbortSignal.timeout(Math.max(1, Math.ceil(restMs)));
    const caller = by && { ...by, scopes: new Set(by.scopes), signal };
    try {
      const answer = await answerOf(() => this.#here(caller, project, nodeId, command));
      // Whoever has the place next runs it, here or elsewhere.
      const isLeft = 'error' in answer && held.get(nodeId) !== node;
      if (!isLeft) await rows.answer(id, JSON.stringify(answer));
      if (this.#waiting.has(id)) this.#look();
    } catch (err) {
      if (this.#stop.signal.aborted) return;
      logger.warn({ err, node: nodeId }, 'a command of another replica was not answered');
    }
  }

  async #here(by: Caller | null, project: ProjectRef, nodeId: string, command: NodeCommand) {
    if (this.#runHere === null) throw new TypeError('commands are served once it is known how');
    return await this.#runHere(by, project, nodeId, command);
  }

  /** What is run here goes on, and is answered by nobody. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#endWake();
    this.#stop.abort();
    await this.#polling;
    await this.#looking;
  }
}

async function answerOf(work: () => Promise<readonly Listener[]>): Promise<Answer> {
  try {
    return { listeners: await work() };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message, details } = error;
    return { error: { code, message, details, isUnsettled: error instanceof Unsettled } };
  }
}

function tooMany(limitValue: number): AppError {
  const message = `at most ${limitValue} calls of a project at once wait for nodes that other replicas have`;
  const limit = 'commandsPerProjectMax';
  return new AppError('resource_exhausted', message, { limit, limitValue, retryAfterMs });
}

function unanswered(nodeId: string): AppError {
  return new Unsettled(`nobody who has node ${nodeId} answers: it may still be done`);
}

function plain({ signal: _, scopes, ...by }: Caller): NonNullable<Asked['by']> {
  return { ...by, scopes: [...scopes] };
}
