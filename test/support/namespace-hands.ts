/**
 * Runs in a network namespace and does there what no process outside can: it opens connections, which it hands out, and
 * leads those of a server outside to a port inside. It ends with who started it.
 */
import { connect, type Server } from 'node:net';
import { pipeline } from 'node:stream';

export type Asked =
  | { readonly number: number; readonly ip: string; readonly port: number }
  | { readonly relay: number };

process.on('message', (asked: Asked, server?: Server) => {
  if ('relay' in asked) server?.on('connection', (client) => lead(client, asked.relay));
  else open(asked);
});
process.on('disconnect', () => process.exit());

function lead(client: Parameters<typeof pipeline>[0] & NodeJS.ReadWriteStream, port: number): void {
  const inside = connect(port, '127.0.0.1');
  // Whichever side ends, the other one hears of it.
  pipeline(client, inside, client, () => undefined);
}

function open({ number, ip: host, port }: Extract<Asked, { number: number }>): void {
  const socket = connect({ host, port });
  // What comes first is for who gets the socket.
  socket.pause();
  socket.once('connect', () => {
    const local = { ip: socket.localAddress, port: socket.localPort };
    process.send?.({ number, local, error: null }, socket);
  });
  socket.once('error', ({ message }) => process.send?.({ number, error: message }));
}
