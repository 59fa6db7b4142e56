/** Hosts that are addresses of loopback, and the network of each site that of a proxy for its agent alone. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { type Ground, type GroundPorts, type Host, type Site, siteNames } from './ground.ts';

export async function makeLoopbackGround(ports: GroundPorts, without: string): Promise<Ground> {
  await using resources = new AsyncDisposableStack();
  const made: Site[] = [];
  for (const at of siteNames.keys()) {
    const proxies = await Promise.all(
      ports.gateways.map((port) => startTcpProxy(() => connect(port, '127.0.0.1'))),
    );
    for (const proxy of proxies) resources.use(proxy);
    made.push({
      node: hostOf(`127.77.${at}.1`),
      near: hostOf(`127.77.${at}.2`),
      gatewayUrls: proxies.map(({ port }) => `https://127.0.0.1:${port}`),
      cut: () => {
        for (const proxy of proxies) proxy.hold();
      },
      restore: () => {
        for (const proxy of proxies) proxy.restore();
      },
    });
  }
  const [north, south, west] = made;
  if (north === undefined || south === undefined || west === undefined)
    throw new TypeError('sites');
  const all = resources.move();
  return {
    ...{ sites: { north, south, west }, natIp: null, without },
    control: hostOf('127.0.0.1'),
    far: hostOf('127.77.100.1'),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function hostOf(ip: string): Host {
  return {
    ip,
    enter: [],
    async connect({ ip: host, port }) {
      const socket = connect({ host, port, localAddress: ip });
      await once(socket, 'connect');
      return { socket, local: { ip, port: socket.localPort ?? 0 } };
    },
  };
}
