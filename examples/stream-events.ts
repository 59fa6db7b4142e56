/** Prints events as they come: npm run stream -- [--addr HOST:PORT] [--after-seq N] [--token TOKEN] */
import { parseArgs } from 'node:util';
import { type Client, credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const { values } = parseArgs({
  options: {
    addr: { type: 'string', default: '127.0.0.1:50051' },
    'after-seq': { type: 'string' },
    token: { type: 'string' },
  },
});

interface EventClient extends Client {
  streamEvents(request: object, metadata: Metadata): NodeJS.ReadableStream;
}
interface Api {
  kodama: { v1: { EventService: new (address: string, c: object) => EventClient } };
}

const includeDirs = [`${import.meta.dirname}/../proto`];
const options = { includeDirs, longs: String, enums: String, oneofs: true };
const definition = loadSync('kodama/v1/event_service.proto', options);
const { EventService } = (loadPackageDefinition(definition) as unknown as Api).kodama.v1;

const client = new EventService(values.addr, credentials.createInsecure());
const metadata = new Metadata();
if (values.token !== undefined) metadata.set('authorization', `Bearer ${values.token}`);
const afterSeq = values['after-seq'];
const start = afterSeq === undefined ? { fromNow: true } : { afterSeq };
const stream = client.streamEvents(start, metadata);
stream.on('data', (message: object) => console.log(JSON.stringify(message)));
stream.on('error', (error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
