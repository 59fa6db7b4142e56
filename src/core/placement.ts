/** Which node gets new listeners. */
import type { NewListener } from './listener.ts';
import type { ProjectRef } from './project.ts';

export interface Placed {
  readonly nodeId: string;
  /** Whether its place is here. */
  readonly isHere: boolean;
}

export interface Placement {
  /**
   * All on one node: that which they name, or one of those that carry the labels that they ask for; else the one that is
   * built in here, any of the project, or any that serves every project. Where a port that is not named by them was taken
   * there meanwhile, `make` is tried on others.
   * @throws failed_precondition (no node fits), unavailable (those that fit are not connected), and what `make` throws
   */
  place<Made>(
    project: ProjectRef,
    inputs: readonly NewListener[],
    make: (placed: Placed) => Promise<Made>,
  ): Promise<Made>;
}
