/** A project as its callers know it. */

import type { Quotas } from '../core/quotas.ts';
import type { Micros } from '../core/time.ts';

/** It is a part of no URL but its own, and never taken for a key's or a listener's id. */
export const projectName = {
  pattern: /^[a-z][a-z0-9-]{0,62}$/,
  words:
    'must start with a lower-case letter and hold at most 63 lower-case letters, digits and dashes',
};

export const projectStates = ['active', 'deleting'] as const;

export interface Project {
  /** `[a-z][a-z0-9-]{0,62}`, and never another. */
  readonly name: string;
  readonly id: string;
  readonly displayName: string | null;
  readonly state: (typeof projectStates)[number];
  readonly quotas: Quotas;
  /** The addresses and networks that its listeners may be bound to; null: any. */
  readonly bindHosts: readonly string[] | null;
  readonly createdAt: Micros;
  readonly updatedAt: Micros;
}

export interface NewProject {
  readonly name: string;
  readonly displayName: string | null;
  readonly quotas: Partial<Quotas>;
  readonly bindHosts: readonly string[] | null;
}

/** What is absent stays. */
export interface ProjectPatch {
  readonly displayName?: string | null | undefined;
  readonly quotas?: Partial<Quotas> | undefined;
  readonly bindHosts?: readonly string[] | null | undefined;
}
