import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { openFour } from './demo-clients.ts';

test.runIf(process.platform === 'linux')(
  'where the port of the first host is taken at the second, both have another one',
  async () => {
    await using resources = new AsyncDisposableStack();
    const listen = async (port: number, host: string) => {
      const server = createServer().listen(port, host);
      resources.defer(() => void server.close());
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    };
    const port = await listen(0, '127.0.0.1');
    const opened: string[] = [];
    const open = async (localAddress: string, localPort: number) => {
      const socket = connect({ port, host: '127.0.0.1', localAddress, localPort });
      resources.defer(() => void socket.destroy());
      await once(socket, 'connect');
      opened.push(localAddress);
      if (opened.length === 1) await listen(socket.localPort ?? 0, '127.0.0.3');
      return socket;
    };
    const [one, other, ...rest] = await openFour(open);
    expect(opened).toEqual(['127.0.0.2', '127.0.0.2', '127.0.0.3', '127.0.0.1', '127.0.0.1']);
    expect([one.localAddress, other.localAddress]).toEqual(['127.0.0.2', '127.0.0.3']);
    expect(other.localPort).toBe(one.localPort);
    expect(new Set(rest.map(({ localPort }) => localPort)).size).toBe(2);
  },
);
