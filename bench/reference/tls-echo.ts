/** The reference for TLS: Node's own server and a pipe. Prints its port; ends at the end of stdin, or by SIGTERM. */
import { createServer } from 'node:tls';
import { generate } from 'selfsigned';

const options = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;
const { cert, private: key } = await generate(
  [{ name: 'commonName', value: 'localhost' }],
  options,
);
const server = createServer({ cert, key, allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.pipe(socket);
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  const address = server.address();
  if (typeof address === 'object') console.log(address?.port);
});
process.stdin.resume().on('end', () => process.exit());
