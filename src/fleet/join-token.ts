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
  /** How many nodes may join with it. */
  readonly uses: number;
  /** How many have. */
  readonly used: number;
  readonly createdBy: Actor;
  readonly createdAt: Micros;
  readonly expiresAt: Micros;
  readonly revokedAt: Micros | null;
}

/** With its secret, which is null where it was told before. */
export type ToldJoinToken = JoinToken & {
  readonly secret: string | null;
  /** Where nodes join; null while the gateway is off. */
  readonly joinUrl: string | null;
};

/** Whether a node may still join with it. */
export function isGood({ uses, used, expiresAt, revokedAt }: JoinToken, now: Micros): boolean {
  return revokedAt === null && expiresAt > now && used < uses;
}
