/** A row of the bench: one thing that is measured, in one or more lines of the table. */
import type { Result } from './report.ts';

export interface RowOptions {
  readonly isQuick: boolean;
  /** For node, where kodama is to be profiled. */
  readonly nodeArgs: readonly string[];
  /** For echo and churn: prints where the CPU of each server goes, too. */
  readonly hasPerf: boolean;
  /** For seed and history. */
  readonly connections: number;
  /** For seed and history: where the seeded database lies. */
  readonly dataDir: string;
}

export interface Row {
  readonly name: string;
  run(options: RowOptions): Promise<readonly Result[]>;
}
