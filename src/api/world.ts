/** The use cases that operations run. */
import type { ControlPlane } from '../core/control-plane.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import type { Clock } from '../core/ports.ts';
import type { JoinTokenCases } from '../fleet/join-tokens.ts';
import type { NodeCases } from '../fleet/nodes.ts';
import type { AuditCases } from '../tenancy/audit-cases.ts';
import type { KeyCases } from '../tenancy/keys.ts';
import type { ProjectCases } from '../tenancy/projects.ts';

/** What operations work on. */
export interface World {
  /** All that is public of it, so that a test can stand in. */
  readonly control: Pick<ControlPlane, keyof ControlPlane>;
  readonly projects: Pick<ProjectCases, keyof ProjectCases>;
  readonly keys: Pick<KeyCases, keyof KeyCases>;
  readonly audit: Pick<AuditCases, keyof AuditCases>;
  readonly nodes: Pick<NodeCases, keyof NodeCases>;
  readonly joinTokens: Pick<JoinTokenCases, keyof JoinTokenCases>;
  readonly bounds: ListenerBounds;
  readonly clock: Clock;
}
