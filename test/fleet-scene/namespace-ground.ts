/**
 *                 world ── far clients                       control  198.51.100.2: the replicas
 *    198.51.100.1 ╱  │192.0.2.5 ╲192.0.2.9                    gate     masquerades what comes of north
 *        control   south       west      ╲192.0.2.1          north, south, west: an agent each
 *                    │10.2.0.1   │10.3.0.1  gate              …-near   clients beside it
 *                south-near  west-near       │10.1.0.1: north's near clients
 *                                          north
 */
import { NetworkNamespace, removeStaleNamespaces } from '../support/network-namespace.ts';
import type { Ground, GroundPorts, Host, Site } from './ground.ts';

const controlIp = '198.51.100.2';
const natIp = '192.0.2.2';
const masquerade = `table ip nat {
  chain post { type nat hook postrouting priority 100; oifname "wan" masquerade random; }
}`;

export async function makeNamespaceGround({ gateways, edges }: GroundPorts): Promise<Ground> {
  await using resources = new AsyncDisposableStack();
  const make = (role: string) => resources.use(new NetworkNamespace(role));
  const world = make('world');
  removeStaleNamespaces();
  const control = make('control');
  world.wire('to-control', '198.51.100.1', control, 'wan', controlIp);
  control.ip('route', 'add', 'default', 'via', '198.51.100.1');
  forward(world);

  const gate = make('gate');
  world.wire('to-gate', '192.0.2.1', gate, 'wan', natIp);
  gate.ip('route', 'add', 'default', 'via', '192.0.2.1');
  forward(gate);
  masqueradeAt(gate);
  const north = make('north');
  gate.wire('to-north', '10.1.0.1', north, 'wan', '10.1.0.2');
  north.ip('route', 'add', 'default', 'via', '10.1.0.1');

  const gatewayUrls = gateways.map((port) => `https://${controlIp}:${port}`);
  const site = (node: Host, near: Host, device: string): Site => ({
    ...{ node, near, gatewayUrls },
    // At its far end, so that what the node knows of its ways stays.
    cut: () => world.ip('link', 'set', 'dev', device, 'down'),
    restore: () => world.ip('link', 'set', 'dev', device, 'up'),
  });
  const open = (role: string, at: number) => {
    const node = make(role);
    const ip = `192.0.2.${4 * at + 2}`;
    world.wire(`to-${role}`, `192.0.2.${4 * at + 1}`, node, 'wan', ip);
    node.ip('route', 'add', 'default', 'via', `192.0.2.${4 * at + 1}`);
    const near = make(`${role}-near`);
    node.wire('near', `10.${1 + at}.0.1`, near, 'wan', `10.${1 + at}.0.2`);
    near.ip('route', 'add', 'default', 'via', `10.${1 + at}.0.1`);
    return site(hostOf(node, ip), hostOf(near, `10.${1 + at}.0.2`), `to-${role}`);
  };
  const sites = {
    north: site(hostOf(north, '10.1.0.2'), hostOf(gate, '10.1.0.1'), 'to-gate'),
    south: open('south', 1),
    west: open('west', 2),
  };
  for (const port of edges) await control.relay(port);
  const made = resources.move();
  return {
    ...{ sites, natIp, without: null },
    control: hostOf(control, controlIp),
    far: hostOf(world, '198.51.100.1'),
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

function hostOf(namespace: NetworkNamespace, ip: string): Host {
  return { ip, enter: namespace.enter, connect: (to) => namespace.connect(to) };
}

function forward(namespace: NetworkNamespace): void {
  namespace.run('sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
}

/** By nftables or, where its program is not there, by iptables. */
function masqueradeAt(gate: NetworkNamespace): void {
  try {
    gate.run('nft', ['-f', '-'], masquerade);
  } catch {
    const words = ['-t', 'nat', '-A', 'POSTROUTING', '-o', 'wan', '-j', 'MASQUERADE', '--random'];
    gate.run('iptables', words);
  }
}
