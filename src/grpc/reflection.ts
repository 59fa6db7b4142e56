/**
 * Server reflection over the descriptors that buf makes of the protos: files under their own names, with their
 * imports and comments. Those that proto-loader makes name no imports, and strict clients refuse them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Server, ServerDuplexStream } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import protobuf from 'protobufjs';

const descriptorSet = join(import.meta.dirname, '../../generated/grpc/descriptors.binpb');

export function addReflection(server: Server): void {
  const fileDescriptorProtos = files(readFileSync(descriptorSet));
  // The service reads nothing of a definition but its files.
  const format = 'Protocol Buffer 3 EnumDescriptorProto';
  const service = new ReflectionService({ kodama: { format, type: {}, fileDescriptorProtos } });
  service.addToServer({
    addService(definition, { ServerReflectionInfo: answer }) {
      const paced: Answer = (stream) => {
        (answer as Answer)(stream);
        pace(stream);
      };
      server.addService(definition, { ServerReflectionInfo: paced });
    },
  });
}

type Stream = ServerDuplexStream<object, object>;
type Answer = (stream: Stream) => void;

/** The service answers whatever comes, and an answer is thousands of times its question: a reader goes first. */
function pace(stream: Stream): void {
  stream.on('data', () => {
    if (stream.writableNeedDrain) stream.pause();
  });
  stream.on('drain', () => stream.resume());
}

/** The files of a FileDescriptorSet: field 1, repeated. */
function files(set: Buffer): Buffer[] {
  const reader = protobuf.Reader.create(set);
  const found: Buffer[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag !== 0x0a) throw new TypeError('not a FileDescriptorSet');
    found.push(Buffer.from(reader.bytes()));
  }
  return found;
}
