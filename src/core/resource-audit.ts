/** The audit of listeners and connections: what a caller's operation made of one. */
import { type AuditEntry, auditedCaller, type Change, changeOf } from './audit.ts';
import type { Caller } from './caller.ts';
import type { Connection } from './connection.ts';
import type { Listener } from './listener.ts';
import type { Clock } from './ports.ts';
import type { ProjectRef } from './project.ts';

/** Who asked for the end of a listener, as it was until then. */
export interface AskedEnd {
  readonly by: Caller;
  readonly before: Listener;
  /** With a drain that is on record. */
  readonly isAudited: boolean;
}

export interface ResourceAuditOptions {
  readonly clock: Clock;
  /** Of the entries: UUIDv7. */
  readonly makeId: () => string;
}

export class ResourceAudit {
  readonly #options: ResourceAuditOptions;

  constructor(options: ResourceAuditOptions) {
    this.#options = options;
  }

  /** A listener that is made was none before. */
  listener(by: Caller, before: Listener | null, after: Listener): AuditEntry {
    const { project, id, name } = after;
    const change = changeOf(before && listenerFields(before), listenerFields(after));
    return this.#entry(by, project, { resource: { kind: 'listener', id, name }, change });
  }

  /** A connection that was closed as its caller asked for. */
  connection(by: Caller, project: ProjectRef, closed: Connection): AuditEntry {
    const resource = { kind: 'connection', id: closed.id, name: null } as const;
    const state = closed.halfClosedAt === null ? 'open' : 'half_closed';
    const open = { ...closed, state, closeInitiator: null, closeReason: null } as const;
    const change = changeOf(connectionFields(open), connectionFields(closed));
    return this.#entry(by, project, { resource, change });
  }

  #entry(
    by: Caller,
    ref: ProjectRef,
    of: Pick<AuditEntry, 'resource'> & { readonly change: Change },
  ): AuditEntry {
    const { clock, makeId } = this.#options;
    return {
      id: makeId(),
      time: clock.now(),
      project: { ref, name: by.project },
      caller: auditedCaller(by),
      operation: by.operation,
      ...{ outcome: 'ok', count: 1 },
      ...of,
    };
  }
}

/** What callers set of it, and its state. Its key is nowhere; that it has one is told. */
function listenerFields(listener: Listener): object {
  const { name, labels, protocol, host, port, state, mode, limits, faults } = listener;
  const { tls, proxyProtocol, recording, placement, expiresAt } = listener;
  return {
    ...{ name, labels, protocol, host, port, state, mode, limits, faults },
    tls: tls === null ? null : { ...tls, key: 'redacted' },
    ...{ proxyProtocol, recording, placement, expiresAt },
  };
}

function connectionFields({ state, closeInitiator, closeReason }: Connection): object {
  return { state, closeInitiator, closeReason };
}
