/** Where the scene of a fleet plays: hosts with addresses of their own, and networks between them that can be cut. */
import type { Connected } from '../support/network-namespace.ts';

export const siteNames = ['north', 'south', 'west'] as const;
export type SiteName = (typeof siteNames)[number];

export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

export interface Host {
  readonly ip: string;
  /** What stands before the words of a program that is to run there. */
  readonly enter: readonly string[];
  /** From there. */
  connect(to: Endpoint): Promise<Connected>;
}

export interface Site {
  /** Where the agent is. */
  readonly node: Host;
  /** Beside it: nothing between the two is cut. */
  readonly near: Host;
  /** Where the gateways are, seen from there. */
  readonly gatewayUrls: readonly string[];
  /** The site is without the world: nothing passes, and nobody is told. */
  cut(): void;
  restore(): void;
}

export interface Ground extends AsyncDisposable {
  /** Of the replicas. Their ports of REST and gRPC lead there from the loopback of this process. */
  readonly control: Host;
  /** In the world, without a site. */
  readonly far: Host;
  readonly sites: Readonly<Record<SiteName, Site>>;
  /** As the world sees the hosts of north; null: as they are. */
  readonly natIp: string | null;
  /** The scene without namespaces, and why. */
  readonly without: string | null;
}

export interface GroundPorts {
  readonly gateways: readonly number[];
  readonly edges: readonly number[];
}
