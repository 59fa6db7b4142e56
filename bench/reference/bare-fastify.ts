/** The reference for a call: fastify as it comes, one route, nothing else. Prints its port; ends at the end of stdin. */
import { fastify } from 'fastify';

const app = fastify();
app.get('/healthz', async () => ({ status: 'ok' }));
console.log(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port);
process.stdin.once('end', () => void app.close()).resume();
