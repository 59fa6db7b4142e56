/** The nodes whose places this process has: the one that is built in, where there is one, and those with a session here. */
import type { HeldNode } from './held-node.ts';
import type { Listener } from './listener.ts';
import type { WorkerStatus } from './ports.ts';
import type { ProjectRef } from './project.ts';

export class HeldNodes {
  readonly #nodes = new Map<string, HeldNode>();
  #own: HeldNode | null = null;
  #onAdded: () => void = () => undefined;

  /** The one that is built in; null where this process holds no echo sockets. */
  get own(): HeldNode | null {
    return this.#own;
  }

  addOwn(node: HeldNode): void {
    this.#own = node;
    this.add(node);
  }

  add(node: HeldNode): void {
    this.#nodes.set(node.nodeId, node);
    this.#onAdded();
  }

  /** Told of each that comes from now on. */
  onAdded(callback: () => void): void {
    this.#onAdded = callback;
  }

  /** Unless it has been taken anew meanwhile. */
  remove(node: HeldNode): void {
    if (this.#nodes.get(node.nodeId) === node) this.#nodes.delete(node.nodeId);
  }

  get(nodeId: string): HeldNode | null {
    return this.#nodes.get(nodeId) ?? null;
  }

  all(): readonly HeldNode[] {
    return [...this.#nodes.values()];
  }

  /** The project's listener that is not closed, and who holds it. */
  find(
    project: ProjectRef,
    idOrName: string,
  ): { readonly node: HeldNode; readonly id: string } | null {
    for (const node of this.#nodes.values()) {
      const id = node.set.findId(project, idOrName);
      if (id !== null) return { node, id };
    }
    return null;
  }

  listener(id: string): Listener | null {
    for (const { set } of this.#nodes.values()) {
      const entry = set.get(id);
      if (entry !== null) return entry.listener;
    }
    return null;
  }

  get listenerCount(): number {
    return this.all().reduce((sum, { set }) => sum + set.size, 0);
  }

  get openConnections(): number {
    return this.all().reduce((sum, { recorder }) => sum + recorder.openConnections, 0);
  }

  /** Of all connections since the start, of the node that is built in: those of another may go on elsewhere. */
  get bytes(): { readonly in: number; readonly out: number } {
    return this.own?.recorder.bytes ?? { in: 0, out: 0 };
  }

  /** Of the node that is built in. */
  get workers(): readonly WorkerStatus[] {
    return this.own?.dataPlane.status() ?? [];
  }
}
