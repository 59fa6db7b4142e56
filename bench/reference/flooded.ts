/**
 * A server that does the least for what bench/load/flood.ts asks: it answers as much as a quota lets pass with what a kodama
 * answered once, and refuses the rest. So a flood of it costs its client what a flood of kodama costs.
 *
 *   flooded.ts <http port of kodama> <key>
 *
 * prints its two ports, of HTTP and of the echo, and ends with stdin.
 */
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createEcho } from 'node:net';

const [kodama = '', key = ''] = process.argv.slice(2);
const callsPerSecond = 50;
const acceptsPerSecond = 200;
const streamsMax = 50;
const accept = 'application/x-ndjson';

function fetched(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const authorization = `Bearer ${key}`;
    const options = { port: Number(kodama), path, headers: { ...headers, authorization } };
    get(options, async (answer) => resolve(Buffer.concat(await answer.toArray()))).on(
      'error',
      reject,
    );
  });
}

const bodies = new Map<string, Buffer>();
for (const path of [
  '/v1/listeners',
  '/v1/connections?pageSize=50',
  '/v1/connections?pageSize=1000',
  '/v1/events?pageSize=1000',
]) {
  bodies.set(path, await fetched(path));
}
const history = await fetched('/v1/events?afterSeq=0&endAtHead=true', { accept });
const refusal = await fetched('/v1/events?unknown=1');

/** So many a second, and a second's worth at once. */
function rate(perSecond: number): () => boolean {
  let tokens = perSecond;
  let at = performance.now();
  return () => {
    const now = performance.now();
    tokens = Math.min(perSecond, tokens + ((now - at) * perSecond) / 1000);
    at = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}

const mayCall = rate(callsPerSecond);
const mayConnect = rate(acceptsPerSecond);
let streams = 0;

function answer({ method = '', url = '', headers }: IncomingMessage, to: ServerResponse): void {
  const refuse = () => to.writeHead(429, { 'content-length': refusal.length }).end(refusal);
  if (headers.authorization !== `Bearer ${key}` || !mayCall()) return void refuse();
  if (method === 'POST') return void to.writeHead(201).end('{"id":"one"}');
  if (method === 'DELETE') return void to.writeHead(204).end();
  if (headers.accept !== accept) return void to.end(bodies.get(url) ?? refusal);
  if (streams >= streamsMax) return void refuse();
  streams += 1;
  to.writeHead(200).write(history);
}

const server = createServer(answer).listen(0, '127.0.0.1');
const echo = createEcho((socket) => {
  socket.on('error', () => undefined);
  if (mayConnect()) socket.pipe(socket);
  else socket.resetAndDestroy();
}).listen(0, '127.0.0.1');
await Promise.all([server, echo].map((one) => new Promise((done) => one.once('listening', done))));
console.log([server, echo].map((one) => (one.address() as AddressInfo).port).join(' '));
process.stdin.resume().on('end', () => process.exit());
