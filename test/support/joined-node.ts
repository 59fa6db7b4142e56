/** A node that joins as an agent does, without one: by the store alone. */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../src/core/clock.ts';
import type { JoinRequest, KnownNode } from '../../src/fleet/admission.ts';
import { joinNode } from '../../src/fleet/join.ts';
import type { FleetStore, JoinLimits } from '../../src/fleet/store.ts';
import { PostgresStore } from '../../src/postgres/postgres-store.ts';
import { quietLog as log } from './quiet-log.ts';

const roomy: JoinLimits = { nodesMax: 2000, projectNodesMax: 50 };

export async function join(
  { joinTokens: rows }: FleetStore,
  token: string,
  given: Partial<JoinRequest> = {},
  limits: Partial<JoinLimits> = {},
): Promise<KnownNode> {
  const ground = { rows, clock: systemClock(), limits: { ...roomy, ...limits } };
  const { name = 'dmz' } = given;
  const request = { token, name, hostname: name, version: '1.2.3', sourceIp: '192.0.2.1' };
  return await joinNode(ground, { ...request, publicKey: randomBytes(32), ...given });
}

/** To the database of a whole kodama. */
export async function joinedNode(
  connectionString: string,
  token: string,
  name: string,
): Promise<KnownNode> {
  await using store = await PostgresStore.open({ connectionString, nodeId: 'joining', log });
  return await join(store.fleet, token, { name });
}
