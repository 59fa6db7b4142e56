/**
 * gRPC subscribers that count and decode nothing, in a process of their own:
 *
 *   subscriber.ts replay <grpc port> <after seq>   one stream up to the head, then one line of JSON
 *   subscriber.ts live <grpc port> <streams>       prints `ready` when all have caught up; at the end of stdin
 *                                                  prints how many events each has seen, and ends
 */
import { Client, type ClientReadableStream, credentials } from '@grpc/grpc-js';

const [mode, port, argument] = process.argv.slice(2);
const path = '/kodama.v1.EventService/StreamEvents';
const lastSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** The tag of what follows the seq (field 1, a varint): 2 event, 3 synced, 4 heartbeat. */
function payloadOf(message: Buffer): number {
  let at = 0;
  if (message[0] === 0x08) {
    at = 1;
    while (((message[at] ?? 0) & 0x80) !== 0) at += 1;
    at += 1;
  }
  return (message[at] ?? 0) >> 3;
}

/** A connection of its own for each stream, as different users would have. */
function subscribe(request: Buffer, onPayload: (payload: number) => void) {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  const stream: ClientReadableStream<number> = client.makeServerStreamRequest(
    path,
    (bytes: Buffer) => bytes,
    payloadOf,
    request,
  );
  stream.on('data', onPayload);
  return stream;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

function replay(): void {
  // after_seq = 1, end_at_head = 6.
  const request = Buffer.from([0x08, ...varint(Number(argument)), 0x30, 1]);
  let events = 0;
  const startedAt = performance.now();
  const startedCpu = lastSeconds();
  const stream = subscribe(request, (payload) => {
    if (payload === 2) events += 1;
  });
  stream.on('error', fail).on('end', () => {
    const seconds = (performance.now() - startedAt) / 1000;
    console.log(JSON.stringify({ events, seconds, clientSeconds: lastSeconds() - startedCpu }));
    process.exit();
  });
}

function live(): void {
  // from_now = 4.
  const request = Buffer.from([0x20, 1]);
  const counts = Array.from({ length: Number(argument) }, () => 0);
  let waiting = counts.length;
  counts.forEach((_, index) => {
    const stream = subscribe(request, (payload) => {
      if (payload === 2) counts[index] = (counts[index] ?? 0) + 1;
      if (payload === 3 && --waiting === 0) console.log('ready');
    });
    stream.on('error', fail);
  });
  process.stdin.resume().on('end', () => {
    console.log(JSON.stringify(counts));
    process.exit();
  });
}

function fail(error: Error): void {
  console.error(error.message);
  process.exit(1);
}

if (mode === 'replay') replay();
else live();
