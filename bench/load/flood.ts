/**
 * One project that takes what it can get, in a process of its own:
 *
 *   flood.ts <kind> <rate a second> <http port> <key> <listener's port>
 *
 * prints `ready` when it has begun; at the end of stdin it prints what became of all as one line of JSON, and ends. It
 * does not wait for answers before it asks again, up to a number under way; what that leaves out is not counted.
 */
import { Agent, get, type IncomingMessage, request } from 'node:http';
import { createConnection } from 'node:net';

const [kind = '', rate = '', http = '', key = '', listener = ''] = process.argv.slice(2);
const inFlightMax = kind === 'pages' ? 8 : 256;
const tickMs = 10;

const counts: Record<string, number> = {};
let inFlight = 0;
let asked = 0;

function count(what: string | number): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

/** The promise of one thing that is asked for; it says what became of it. */
const kinds: Readonly<Record<string, () => Promise<string | number>>> = {
  connections: connect,
  refusals: connect,
  calls: () => call(...mixedCall()),
  keys: () => call('GET', '/v1/listeners', `kodama_${String(asked % 1e5).padStart(33, 'x')}`),
  pages: () =>
    call('GET', asked % 2 === 0 ? '/v1/connections?pageSize=1000' : '/v1/events?pageSize=1000'),
  streams: slowStream,
};

/** The same mix as of the one who is measured. */
function mixedCall(): [method: string, path: string] {
  if (asked % 4 === 0) return ['POST', '/v1/listeners'];
  return ['GET', asked % 4 === 1 ? '/v1/listeners' : '/v1/connections?pageSize=50'];
}

/** A whole connection: 16 bytes there and back. */
function connect(): Promise<string> {
  return new Promise((resolve) => {
    const localAddress = `127.0.1.${1 + (asked % 200)}`;
    const socket = createConnection({ host: '127.0.0.1', port: Number(listener), localAddress });
    let isEchoed = false;
    socket.on('connect', () => socket.write('0123456789abcdef'));
    socket.on('data', () => {
      isEchoed = true;
      socket.end();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(isEchoed ? 'echoed' : 'refused'));
  });
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 });

function call(method: string, path: string, bearer = key): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${bearer}` };
    const options = { host: '127.0.0.1', port: Number(http), method, path, headers, agent };
    const sent = request(options, (answer) => {
      let text = '';
      if (method === 'POST') answer.on('data', (part: Buffer) => (text += part.toString()));
      else answer.resume();
      answer.on('end', () => {
        resolve(answer.statusCode ?? 0);
        if (answer.statusCode === 201) void end((JSON.parse(text) as { id: string }).id);
      });
    });
    sent.on('error', reject).end();
  });
}

/** What was made is taken away, until that is not refused. */
async function end(id: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if ((await call('DELETE', `/v1/listeners/${id}`)) !== 429) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A stream of the whole log that is not read; one that was let in stays to the end of the process. */
function slowStream(): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}`, accept: 'application/x-ndjson' };
    const options = { host: '127.0.0.1', port: Number(http), path: '/v1/events?afterSeq=0' };
    get({ ...options, headers, agent: false }, (answer: IncomingMessage) => {
      answer.on('error', () => undefined);
      if (answer.statusCode === 200) answer.pause();
      else answer.resume();
      resolve(answer.statusCode ?? 0);
    }).on('error', reject);
  });
}

const ask = kinds[kind];
if (ask === undefined) throw new Error(`no such flood: ${kind}`);
const startedAt = performance.now();
setInterval(() => {
  const due = Math.floor(((performance.now() - startedAt) / 1000) * Number(rate));
  for (; asked < due; asked += 1) {
    if (inFlight >= inFlightMax) continue;
    inFlight += 1;
    void ask()
      .then(count, () => count('failed'))
      .finally(() => {
        inFlight -= 1;
      });
  }
}, tickMs);
console.log('ready');
process.stdin.resume().on('end', () => {
  console.log(JSON.stringify(counts));
  process.exit();
});
