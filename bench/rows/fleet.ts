/** Nodes on hosts of their own: what their stream, their calls and their mere being there cost. */
import type { Row } from '../row.ts';
import { measureFleetCreate } from './fleet-create.ts';
import { measureIdleSessions } from './fleet-idle.ts';
import { measureNodes } from './fleet-nodes.ts';
import { measureTransport } from './fleet-transport.ts';

export const fleetRow: Row = {
  name: 'fleet',
  async run({ isQuick }) {
    return [
      ...(await measureTransport(isQuick ? 2 : 6)),
      ...(await measureFleetCreate(isQuick ? 100 : 300)),
      ...(await measureNodes(isQuick ? 2 : 5)),
      ...(await measureIdleSessions(isQuick ? 200 : 1000, isQuick ? 10 : 60)),
    ];
  },
};
