/** A join: who shows a token becomes a node of its project, with a key of its own. */
import { changeOf } from '../core/audit.ts';
import { AppError, invalidField } from '../core/errors.ts';
import type { Clock } from '../core/ports.ts';
import { idAt } from '../tenancy/id-at.ts';
import { digestOf, isSecret } from '../tenancy/key-secret.ts';
import type { JoinRequest, KnownNode } from './admission.ts';
import { nodeName } from './node.ts';
import { auditedNode } from './nodes.ts';
import type { JoinLimits, JoinTokenRows } from './store.ts';

export const tokenPrefix = 'kodamajoin_';

export interface JoinGround {
  readonly rows: Pick<JoinTokenRows, 'join'>;
  readonly clock: Clock;
  readonly limits: JoinLimits;
}

/** As Admission.join has it. Behind the dot of a token stands the gateway's pin, which only the agent needs. */
export async function joinNode(
  { rows, clock, limits }: JoinGround,
  { token: shown, publicKey, sourceIp, ...host }: JoinRequest,
): Promise<KnownNode> {
  const [secret = ''] = shown.split('.');
  if (!isSecret(secret, tokenPrefix)) {
    throw new AppError('unauthenticated', 'token: it is no join token, or was mistyped');
  }
  if (!nodeName.pattern.test(host.name)) throw invalidField('name', nodeName.words);
  const now = clock.now();
  const wanted = { ...host, id: idAt(now), digest: digestOf(secret), publicKey, now };
  return await rows.join(wanted, limits, (node, token) => ({
    ...{ id: idAt(now), time: now, operation: 'join', outcome: 'ok', count: 1 },
    project: { ref: node.project, name: node.projectName },
    caller: {
      actor: { kind: 'node', id: node.name, hint: token.hint },
      ...{ requestId: node.id, sourceIp, userAgent: null },
    },
    resource: { kind: 'node', id: node.id, name: node.name },
    change: changeOf(null, { ...auditedNode(node), joinToken: token.id }),
  }));
}
