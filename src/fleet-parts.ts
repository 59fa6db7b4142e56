/** Wires the fleet: what reaches nodes of other processes, and the sessions of those on hosts of their own. */
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import type { ControlPlane } from './core/control-plane.ts';
import type { EventLog } from './core/event-log.ts';
import type { HeldNodeOptions } from './core/held-node.ts';
import type { HeldNodes } from './core/held-nodes.ts';
import type { Clock } from './core/ports.ts';
import type { Projects } from './core/projects.ts';
import { connectionLimits } from './core/quotas.ts';
import type { Store } from './core/store.ts';
import { NodeCommands } from './fleet/node-commands.ts';
import { Placements } from './fleet/placements.ts';
import { Sessions } from './fleet/sessions.ts';
import type { FleetStore } from './fleet/store.ts';
import { Sweeps } from './fleet/sweeps.ts';

/** What every held node is made of. */
type Shared = Omit<HeldNodeOptions, 'nodeId' | 'node' | 'eventLog'>;

export interface FleetGround {
  readonly config: Config;
  readonly logger: Logger;
  readonly store: Pick<Store, 'nodes'> & {
    readonly fleet: Pick<FleetStore, 'sessions' | 'commands'>;
  };
  readonly projects: Projects;
  readonly eventLog: EventLog;
  readonly nodes: HeldNodes;
  readonly shared: Shared;
}

export type Fleet = ReturnType<typeof makeFleet>;

export function makeFleet(ground: FleetGround, resources: AsyncDisposableStack) {
  const { config, logger, store, projects, eventLog, nodes, shared } = ground;
  const { sessions: rows, commands: commandRows } = store.fleet;
  const { fleet: limits } = config;
  const asks = { rows: commandRows, places: store.nodes, held: nodes, logger, limits };
  const commands = resources.use(new NodeCommands(asks));
  const sessions = resources.use(
    new Sessions({
      ...{ ...shared, rows, eventLog, nodes, sessionLimits: limits },
      limitProjects: (dataPlane) => {
        for (const [project, { quotas }] of projects.all()) {
          dataPlane.limitProject(project, connectionLimits(quotas));
        }
      },
    }),
  );
  const placement = new Placements({ nodes: rows, held: nodes, limits });
  return { rows, commands, sessions, placement };
}

/** From now on this process answers what others ask of its nodes; where it has a gateway, it looks who is there. */
export function startFleet(
  { config, clock, logger }: Pick<FleetGround, 'config' | 'logger'> & { readonly clock: Clock },
  { rows, commands }: Fleet,
  control: ControlPlane,
  resources: AsyncDisposableStack,
): void {
  commands.start((...command) => control.runHere(...command));
  const { goneNodes } = control;
  if (config.gateway === null) return;
  const expire = control.expireListener.bind(control);
  resources.use(new Sweeps({ rows, goneNodes, expire, clock, logger, limits: config.fleet }));
}
