/** Wires the fleet: what reaches nodes of other processes, and the sessions of those on hosts of their own. */
import type { Logger } from 'pino';
import { reachableAddresses, restUrl } from './banner.ts';
import type { Config } from './config.ts';
import type { Caller } from './core/caller.ts';
import type { ControlPlane } from './core/control-plane.ts';
import type { EventLog } from './core/event-log.ts';
import type { HeldNodeOptions } from './core/held-node.ts';
import type { HeldNodes } from './core/held-nodes.ts';
import { holderWords } from './core/listener-ports.ts';
import type { ListenerSet } from './core/listener-set.ts';
import type { Clock } from './core/ports.ts';
import type { Projects } from './core/projects.ts';
import { connectionLimits } from './core/quotas.ts';
import type { Store } from './core/store.ts';
import type { EdgeTls } from './edge-sockets/edge-tls.ts';
import type { FleetGround } from './edges.ts';
import type { Admission } from './fleet/admission.ts';
import { joinNode } from './fleet/join.ts';
import { NodeCommands } from './fleet/node-commands.ts';
import { OwnCordon, type OwnCordonOptions } from './fleet/own-cordon.ts';
import { Placements } from './fleet/placements.ts';
import { Sessions } from './fleet/sessions.ts';
import type { FleetStore } from './fleet/store.ts';
import { Sweeps } from './fleet/sweeps.ts';
import { GatewayServer } from './gateway/gateway-server.ts';
import { openGatewayCertificate } from './gateway-certificate.ts';
import { orStartError } from './node/start-error.ts';

/** What every held node is made of. */
type Shared = Omit<HeldNodeOptions, 'nodeId' | 'node' | 'eventLog'>;

interface FleetParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly store: Pick<Store, 'nodes'> & {
    readonly fleet: Pick<FleetStore, 'sessions' | 'commands'>;
    readonly tenancy: { readonly wakes: OwnCordonOptions['wakes'] };
  };
  readonly projects: Projects;
  readonly eventLog: EventLog;
  readonly nodes: HeldNodes;
  readonly shared: Shared;
}

export type Fleet = ReturnType<typeof makeFleet>;

export function makeFleet(ground: FleetParts, resources: AsyncDisposableStack) {
  const { config, logger, store, projects, eventLog, nodes, shared } = ground;
  const { sessions: rows, commands: commandRows } = store.fleet;
  const { fleet: limits } = config;
  const asks = { rows: commandRows, places: store.nodes, held: nodes, logger, limits };
  const commands = resources.use(new NodeCommands(asks));
  const sessions = resources.use(
    new Sessions({
      ...{ ...shared, rows, eventLog, nodes, sessionLimits: limits },
      limitProjects: (dataPlane) => {
        for (const [project, { quotas }] of projects.all()) {
          dataPlane.limitProject(project, connectionLimits(quotas));
        }
      },
    }),
  );
  const { clock } = shared;
  const sweeps = resources.use(new Sweeps({ rows, clock, logger, limits }));
  const nodeId = nodes.own?.nodeId ?? '';
  const cordon = { nodeId, rows, wakes: store.tenancy.wakes, log: logger };
  const ownCordon = resources.use(new OwnCordon(cordon));
  const placement = new Placements({ nodes: rows, held: nodes, ownCordon, limits });
  return { rows, commands, sessions, sweeps, placement, ownCordon };
}

/** What starts with the fleet, and what the rest asks of it. */
interface StartedFleet {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: { readonly fleet: Pick<FleetStore, 'joinTokens'> };
  readonly certificate: EdgeTls['certificate'] | null;
  readonly fleet: Fleet;
  readonly control: ControlPlane;
  /** Own listeners, which listen before the gateway does. */
  readonly held: Pick<ListenerSet, 'all'>;
  /** No listener's. */
  readonly reservedPorts: number[];
}

/** From now on this process answers what others ask of its nodes, and misses those away; where it has a gateway, agents come. */
export async function startFleet(
  ground: StartedFleet,
  resources: AsyncDisposableStack,
): Promise<FleetGround> {
  const { config, fleet, control } = ground;
  const { goneNodes } = control;
  const isAlone = config.databaseUrl === null;
  fleet.commands.start((...command) => control.nodeCalls.run(...command), { isAlone });
  if (config.workers > 0) fleet.ownCordon.start();
  fleet.sweeps.start({ goneNodes, expire: control.expireListener.bind(control) });
  const end = async (by: Caller, { id }: { readonly id: string }) => {
    fleet.sessions.remove(id);
    await goneNodes.lose(id, { isRemoved: true, by });
  };
  const { port, host } = config.gateway;
  if (port === null) return { end, pin: () => null, gatewayUrl: () => null };
  const gateway = await startGateway(ground, { host, port }, resources);
  ground.reservedPorts.push(gateway.address.port);
  const url = config.gateway.url ?? gatewayUrl(gateway);
  return { end, pin: () => gateway.pin, gatewayUrl: () => url };
}

async function startGateway(
  { config, clock, logger, store, certificate, fleet, held }: StartedFleet,
  place: { readonly host: string; readonly port: number },
  resources: AsyncDisposableStack,
): Promise<GatewayServer> {
  const own = await openGatewayCertificate({ config, logger, ofEdges: certificate }, resources);
  const joins = { rows: store.fleet.joinTokens, clock, limits: config.fleet };
  const admission: Admission = {
    installationId: () => fleet.rows.installationId(),
    join: (request) => joinNode(joins, request),
    find: (nodeId) => fleet.rows.find(nodeId),
    begin: (hello, link) => fleet.sessions.begin(hello, link),
  };
  const { forwarding, gateway } = config;
  const tls = own === null ? null : { certificate: own, limits: config.tls.limits };
  const options = { admission, logger, forwarding, tls, ...place, limits: gateway.limits };
  const server = await orStartError(
    () => GatewayServer.start(options),
    (reason) =>
      `${reason} (KODAMA_GATEWAY_HOST, KODAMA_GATEWAY_PORT)${holderWords(place, held.all())}`,
  );
  return resources.use(server);
}

/** Where other hosts reach it, as far as this one knows. */
function gatewayUrl({ address, isTls }: GatewayServer): string {
  const [nearest = address, ...others] = reachableAddresses(address);
  return restUrl(others[0] ?? nearest, isTls);
}
