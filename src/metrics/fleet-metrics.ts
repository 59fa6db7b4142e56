/** The numbers of the fleet, as this replica knows them: of nodes on hosts of their own. */
import { Gauge, type Registry } from 'prom-client';
import { nodeStates } from '../fleet/node.ts';
import type { NodeCommands } from '../fleet/node-commands.ts';
import type { Sessions } from '../fleet/sessions.ts';
import type { Sweeps } from '../fleet/sweeps.ts';

/** By the name of a metric. */
export type Readings<Value = number> = Readonly<
  Record<string, readonly [help: string, read: () => Value]>
>;

export interface FleetObserved {
  readonly sessions: Pick<Sessions, 'size' | 'takenRecords' | 'lateRecords' | 'spoolRecords'>;
  readonly sweeps: Pick<Sweeps, 'census' | 'suspended' | 'won'>;
  readonly commands: Pick<NodeCommands, 'waiting'>;
}

/** Each replica tells the same, as of its last sweep. */
export function observeNodes(registry: Registry, { sweeps }: FleetObserved): void {
  const collect = function (this: Gauge<'state'>) {
    for (const state of nodeStates) this.set({ state }, sweeps.census.get(state) ?? 0);
  };
  new Gauge({
    name: 'kodama_nodes',
    help: 'Nodes on hosts of their own, of all replicas, as of the last sweep.',
    labelNames: ['state'],
    registers: [registry],
    collect,
  });
}

export function fleetGauges({ sessions, sweeps, commands }: FleetObserved): Readings {
  return {
    kodama_sessions: ['Sessions of nodes on hosts of their own.', () => sessions.size],
    kodama_spool_records: [
      'Records that the nodes of these sessions hold and that are not on record, as they told.',
      () => sessions.spoolRecords,
    ],
    kodama_fleet_suspended: [
      'Projects of whose nodes so many are overdue at once that none is declared lost.',
      () => sweeps.suspended.length,
    ],
    kodama_node_commands_waiting: [
      'Calls that wait for an answer of a replica that has their node.',
      () => commands.waiting,
    ],
  };
}

export function fleetCounters({ sessions, sweeps }: FleetObserved): Readings {
  return {
    kodama_records_taken_total: [
      'Records of nodes on hosts of their own that were acknowledged.',
      () => sessions.takenRecords,
    ],
    kodama_records_late_total: [
      'Records of nodes that came after what they are of was closed on record.',
      () => sessions.lateRecords,
    ],
    kodama_sweeps_total: ['Ticks of the sweep that this replica won.', () => sweeps.won],
  };
}
