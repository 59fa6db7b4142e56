/**
 * Whether the node that is built in is cordoned, at hand wherever a listener is created: it is read when a change of a
 * node was told, and every few seconds, in case that nobody told.
 */
import type { Logger } from '../core/ports.ts';
import type { TenancyWakes } from '../tenancy/store.ts';

export interface OwnCordonOptions {
  readonly nodeId: string;
  readonly rows: { isCordoned(nodeId: string): Promise<boolean> };
  readonly wakes: Pick<TenancyWakes, 'onChange'>;
  readonly log: Pick<Logger, 'debug'>;
}

const rereadMs = 10_000;

export class OwnCordon implements Disposable {
  readonly #options: OwnCordonOptions;
  readonly #resources = new DisposableStack();
  #isCordoned = false;
  /** Changes that were told, and how many of them what was read has seen. */
  #changes = 1;
  #seen = 0;

  constructor(options: OwnCordonOptions) {
    this.#options = options;
  }

  start(): void {
    const endChanges = this.#options.wakes.onChange(() => {
      this.#changes += 1;
    });
    this.#resources.defer(endChanges);
    const rereads = setInterval(() => void this.#readLater(), rereadMs).unref();
    this.#resources.defer(() => clearInterval(rereads));
  }

  /** Right after a change is told it is the new state. @throws unavailable */
  async isCordoned(): Promise<boolean> {
    while (this.#seen < this.#changes) await this.#read();
    return this.#isCordoned;
  }

  async #read(): Promise<void> {
    const { rows, nodeId } = this.#options;
    const changes = this.#changes;
    const isCordoned = await rows.isCordoned(nodeId);
    if (changes < this.#seen) return;
    this.#isCordoned = isCordoned;
    this.#seen = changes;
  }

  async #readLater(): Promise<void> {
    try {
      await this.#read();
    } catch (err) {
      this.#options.log.debug({ err }, 'could not read whether this node is cordoned; later again');
    }
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}
