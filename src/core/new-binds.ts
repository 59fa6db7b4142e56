/** Binds listeners that are being made: at their port, at any that the kernel gives, or at one of a range. */
import { AppError, hasCode } from './errors.ts';
import type { Listener } from './listener.ts';
import {
  findConflict,
  type PortRange,
  type PortRules,
  portInUse,
  portsToDraw,
} from './listener-ports.ts';
import type { ListenerEntry, ListenerSet } from './listener-set.ts';
import { bindingOf } from './listener-wish.ts';
import type { Bound, DataPlane } from './ports.ts';
import type { RestingPorts } from './resting-ports.ts';

export interface NewBindsOptions {
  readonly set: ListenerSet;
  readonly dataPlane: DataPlane;
  readonly portRules: PortRules;
  readonly restingPorts: RestingPorts;
  readonly limits: {
    /** Ports that one draw tries, where others on this host have them. */
    readonly drawTriesMax: number;
  };
}

export class NewBinds {
  readonly #options: NewBindsOptions;
  /** Where in the range the next draw begins. */
  #nextDraw = 0;

  constructor(options: NewBindsOptions) {
    this.#options = options;
  }

  /** @throws port_in_use, resource_exhausted (no port of the range is free), and what DataPlane.open throws */
  async bind(entry: ListenerEntry): Promise<void> {
    const { listener } = entry;
    const { portRules, set } = this.#options;
    const { drawnFrom } = portRules;
    if (listener.port === 0 && drawnFrom !== null) return await this.#draw(entry, drawnFrom);
    try {
      await this.#open(entry);
    } catch (error) {
      if (!hasCode(error, 'port_in_use')) throw error;
      // The kernel may have given this very port to a listener of ours that asked for any.
      throw portInUse(listener, findConflict(listener, set.each()), error);
    }
  }

  /** The kernel may choose a port that rests: then it is asked again. */
  async #open(entry: ListenerEntry): Promise<void> {
    const { listener } = entry;
    const { dataPlane, restingPorts, limits } = this.#options;
    for (let tries = 0; tries < limits.drawTriesMax; tries += 1) {
      const bound = await dataPlane.open(bindingOf(entry));
      const { port } = bound.laddr;
      if (listener.port !== 0 || restingPorts.restMs({ ...listener, port }) === 0) {
        entry.listener = listening(listener, bound);
        return;
      }
      await dataPlane.release(listener.id);
    }
    throw noPortFree('no port is free');
  }

  /** Binds any free port of the range, from behind the last one drawn: one that was let go is not given again at once. */
  async #draw(entry: ListenerEntry, drawnFrom: PortRange): Promise<void> {
    const { listener } = entry;
    const { dataPlane, portRules, set, restingPorts, limits } = this.#options;
    const rules = { ...portRules, drawnFrom };
    let tries = 0;
    for (const port of portsToDraw(listener, set.all(), rules, this.#nextDraw)) {
      if (tries === limits.drawTriesMax) break;
      const wanted = { ...listener, port };
      if (restingPorts.restMs(wanted) > 0) continue;
      // Another listener may have drawn the port since the draw began.
      if (findConflict(wanted, set.each()) !== null) continue;
      tries += 1;
      this.#nextDraw = port - drawnFrom.from + 1;
      // Its own from here on, so that nobody else draws it.
      entry.listener = { ...listener, laddr: { ip: listener.host, port } };
      try {
        const bound = await dataPlane.open(bindingOf(entry));
        entry.listener = listening(listener, bound);
        return;
      } catch (error) {
        if (!hasCode(error, 'port_in_use')) throw error;
      }
    }
    throw noPortFree(`no port from ${drawnFrom.from} to ${drawnFrom.to} is free`);
  }
}

function listening(listener: Listener, bound: Bound): Listener {
  return { ...listener, ...bound, state: 'listening', observedGeneration: listener.generation };
}

function noPortFree(message: string): AppError {
  return new AppError('resource_exhausted', message, { limit: 'listenPorts' });
}
