/**
 * The reference for Node: what everybody writes, and nothing else. Prints its port; ends at the end of stdin, or by
 * SIGTERM.
 */
import { createServer } from 'node:net';

const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.pipe(socket);
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  const address = server.address();
  if (typeof address === 'object') console.log(address?.port);
});
process.stdin.resume().on('end', () => process.exit());
