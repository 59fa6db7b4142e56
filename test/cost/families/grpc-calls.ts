/** Calls of gRPC with messages that are bytes, written field by field. */
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import type { Target } from '../cost-world.ts';
import type { Sent } from '../family.ts';

const answerWithinMs = 30_000;
const frameBytes = 100;

/** A page is to be judged by its size, not refused by its reader. */
const options = { 'grpc.max_receive_message_length': 64 << 20 };
const clients = new Map<string, Client>();

function clientOf({ grpcAddress }: Target): Client {
  const client =
    clients.get(grpcAddress) ?? new Client(grpcAddress, credentials.createInsecure(), options);
  clients.set(grpcAddress, client);
  return client;
}

interface Called extends Sent {
  readonly answer: Buffer | null;
}

/** A stream is let go after what it has sent at once. */
export function callWith(target: Target, path: string, message: Buffer): Promise<Called> {
  const client = clientOf(target);
  const asIs = (all: Buffer) => all;
  const deadline = Date.now() + answerWithinMs;
  const bytesIn = frameBytes + message.length;
  const sent = (answer: Buffer | null) => ({
    calls: 1,
    bytesIn,
    bytesOut: answer?.length ?? 0,
    answer,
  });
  return new Promise((resolve) => {
    if (!path.endsWith('/StreamEvents')) {
      client.makeUnaryRequest(
        path,
        asIs,
        asIs,
        message,
        new Metadata(),
        { deadline },
        (error, answer) => resolve(sent(error === null ? (answer ?? null) : null)),
      );
      return;
    }
    const stream = client.makeServerStreamRequest(path, asIs, asIs, message, { deadline });
    stream.once('data', (answer: Buffer) => {
      stream.cancel();
      resolve(sent(answer));
    });
    stream.on('error', () => resolve(sent(null)));
    stream.on('end', () => resolve(sent(null)));
  });
}

const lengthDelimited = 2;

export function field(number: number, content: string | Buffer): Buffer {
  const writer = protobuf.Writer.create().uint32((number << 3) | lengthDelimited);
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.from(writer.bytes(bytes).finish());
}

export function varint(number: number, value: number): Buffer {
  return Buffer.from(
    protobuf.Writer.create()
      .uint32(number << 3)
      .uint32(value)
      .finish(),
  );
}
