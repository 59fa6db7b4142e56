/** A join token: who shows it may add nodes to a project. Its secret is told once and is nowhere. */
import type { Actor } from '../core/caller.ts';
import type { Micros } from '../core/time.ts';

export interface JoinToken {
  readonly id: string;
  /** Its first and last characters. */
  readonly hint: string;
  /** Of the nodes that join with it. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether these serve every project. */
  readonly shared: boolean;
  readonly uses: number;
  readonly usesMax: number;
  readonly createdBy: Actor;
  readonly createdAt: Micros;
  readonly expiresAt: Micros;
  readonly revokedAt: Micros | null;
}
