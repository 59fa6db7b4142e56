/**
 * Prints the events of a kodama, a line each, and goes on where it was when the connection breaks.
 *
 *   npm run stream -- [--addr 127.0.0.1:50051] [--ca-cert FILE] [--after-seq N] [--listener ID]… [--token …] [--end-at-head]
 *
 * Without --after-seq it starts from now; 0 is from the oldest event kept. Where nobody answers it says so once, and
 * goes on trying; a certificate that does not fit never will, and ends it. Ctrl-C ends it.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, credentials, loadPackageDefinition, Metadata, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { readCommandLine, readNumber, refuse } from '../src/command-line.ts';

const usage = `npm run stream -- [--addr 127.0.0.1:50051] [--ca-cert FILE] [--after-seq N] [--listener ID]… [--token …] [--end-at-head]

Prints the events of a kodama, a line each. Without --after-seq it starts from now; 0 is from the oldest event kept.
Where nobody answers it says so once, and goes on trying. Ctrl-C ends it.
The token is that of KODAMA_API_TOKEN unless it is given. Over TLS it wants the authority of the server's certificate,
or KODAMA_CA_CERT.`;

const { values: args } = readCommandLine({
  usage,
  options: {
    addr: { type: 'string', default: '127.0.0.1:50051' },
    'ca-cert': { type: 'string', default: process.env.KODAMA_CA_CERT ?? '' },
    'after-seq': { type: 'string' },
    listener: { type: 'string', multiple: true, default: [] },
    token: { type: 'string', default: process.env.KODAMA_API_TOKEN ?? '' },
    'end-at-head': { type: 'boolean', default: false },
  },
});

interface EventClient extends Client {
  StreamEvents(request: object, metadata: Metadata): AsyncIterable<StreamMessage>;
}

/** What is read here of a message, in the options of `loadSync`; proto/kodama/v1 has the rest. */
interface StreamMessage {
  readonly seq: string;
  readonly log?: string;
  readonly event?: EventMessage;
}

interface EventMessage {
  readonly seq: string;
  readonly time: { readonly seconds: string; readonly nanos: number };
  readonly type: string;
  readonly listener?: Ends & { readonly name?: string };
  readonly connection?: Ends & {
    readonly closeReason?: string;
    readonly bytesIn: string;
    readonly bytesOut: string;
  };
  readonly refusal?: Ends & { readonly rule: string };
}

interface Ends {
  readonly laddr?: { readonly ip: string; readonly port: number };
  readonly raddr?: { readonly ip: string; readonly port: number };
}

type ClientOptions = ConstructorParameters<typeof Client>;
interface Protos {
  kodama: { v1: { EventService: new (...options: ClientOptions) => EventClient } };
}

const { kodama } = loadPackageDefinition(
  loadSync('kodama/v1/event_service.proto', {
    longs: String,
    enums: String,
    oneofs: true,
    includeDirs: [join(import.meta.dirname, '../proto')],
  }),
) as unknown as Protos;
const { 'ca-cert': caCert } = args;
const channel =
  caCert === '' ? credentials.createInsecure() : credentials.createSsl(readAuthority(caCert));
const client = new kodama.v1.EventService(args.addr, channel);
const metadata = new Metadata();
if (args.token !== '') metadata.set('authorization', `Bearer ${args.token}`);

/** Resume from here: the seq of the newest message, and the log that the first one named. */
let afterSeq = args['after-seq'];
if (afterSeq !== undefined) readNumber('after-seq', afterSeq, usage);
let log: string | undefined;
let isOver = false;
/** Why it is without a kodama, as it was said last: each retry fails alike. */
let told = '';
for (let waitMs = 100; !isOver; waitMs = Math.min(waitMs * 2, 10_000)) {
  const start = afterSeq === undefined ? { fromNow: true } : { afterSeq, log };
  const filter = { listenerIds: args.listener };
  const endAtHead = args['end-at-head'];
  try {
    const stream = client.StreamEvents({ ...start, filter, endAtHead }, metadata);
    for await (const message of stream) {
      afterSeq = message.seq;
      log = message.log || log;
      waitMs = 100;
      told = '';
      if (message.event !== undefined) console.log(line(message.event));
    }
    isOver = true;
  } catch (error) {
    const { code, details } = error as { code?: status; details?: string };
    const words = wordsOf(String(details));
    const misfit = misfitOf(words);
    isOver = code !== status.UNAVAILABLE || misfit !== undefined;
    const goesOn = isOver ? '' : `: trying ${args.addr} again until it answers`;
    const text = `${status[code ?? status.UNKNOWN]}: ${misfit ?? words}${goesOn}`;
    if (text !== told) console.error(text);
    told = text;
    if (isOver) process.exitCode = 1;
    else await delay(waitMs * (0.5 + Math.random()));
  }
}
client.close();

/** What Node makes of no PEM at all it would say with each connection, in OpenSSL's words. */
function readAuthority(path: string): Buffer {
  try {
    const pem = readFileSync(path);
    new X509Certificate(pem);
    return pem;
  } catch (error) {
    return refuse(`--ca-cert: ${path}: ${(error as Error).message}`, usage);
  }
}

/** grpc-js ends with a note on how it found the address, which mostly is empty, or with the time at which it failed. */
function wordsOf(details: string): string {
  return details.replace(/\. Resolution note: *$/, '').replace(/ \(\d{4}-[\d-]+T[\d:.]+Z\)$/, '');
}

/** What no other try mends. */
function misfitOf(words: string): string | undefined {
  if (/certificate|CERT/.test(words))
    return `${words}: --ca-cert or KODAMA_CA_CERT names its authority`;
  if (/wrong version number/.test(words))
    return `${args.addr} speaks no TLS, which --ca-cert and KODAMA_CA_CERT ask for`;
  return undefined;
}

/** `17 2026-11-24T03:53:53.123Z connection_closed 127.0.0.1:40123 → 127.0.0.1:4000 peer_fin, 6 B in, 6 B out` */
function line({ seq, time, type, listener, connection, refusal }: EventMessage): string {
  const at = new Date(Number(time.seconds) * 1000 + time.nanos / 1e6).toISOString();
  const peers = connection ?? refusal;
  const ends = [peers?.raddr, (peers ?? listener)?.laddr].flatMap((end) =>
    end === undefined ? [] : [`${end.ip}:${end.port}`],
  );
  const { closeReason, bytesIn, bytesOut } = connection ?? {};
  const end = closeReason && `${word(closeReason)}, ${bytesIn} B in, ${bytesOut} B out`;
  const more = end ?? listener?.name ?? word(refusal?.rule);
  return [seq, at, word(type), ends.join(' → '), more].join(' ').trim();
}

function word(name = ''): string {
  return name.replace(/^(EVENT_TYPE|CLOSE_REASON|REFUSAL_RULE)_/, '').toLowerCase();
}
