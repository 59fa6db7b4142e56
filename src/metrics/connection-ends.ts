/** By whom a connection may be ended for each reason, as docs/api.md has them. */
import type { CloseInitiator, CloseReason } from '../core/connection.ts';

const initiatorsOf: Readonly<Record<CloseReason, readonly CloseInitiator[]>> = {
  peer_fin: ['peer'],
  peer_rst: ['peer'],
  idle_timeout: ['server'],
  max_duration: ['server'],
  max_bytes: ['server'],
  write_timeout: ['server'],
  fault: ['server'],
  operator_fin: ['operator'],
  operator_rst: ['operator'],
  listener_deleted: ['operator'],
  shutdown: ['system'],
  worker_crashed: ['system'],
  interrupted: ['system'],
  tls_error: ['server', 'peer'],
  proxy_header_error: ['server', 'peer'],
  error: ['system'],
  node_lost: ['system'],
};

export const connectionEnds = Object.entries(initiatorsOf).flatMap(([reason, initiators]) =>
  initiators.map((initiator) => ({ reason, initiator })),
);
