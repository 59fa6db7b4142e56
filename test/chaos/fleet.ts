/** What a round of chaos for a fleet has running. */
import type { AgentProcess } from './agent-process.ts';
import type { FleetProject } from './fleet-project.ts';
import type { KodamaProcess } from './kodama-process.ts';

export interface Fleet {
  readonly replicas: readonly KodamaProcess[];
  readonly agents: readonly AgentProcess[];
  readonly projects: readonly FleetProject[];
  /** The agent that is away for too long, and its clients that stay. */
  readonly lost: AgentProcess | null;
}

/** As short as a caller may make it. */
export const lostAfterMs = 30_000;
