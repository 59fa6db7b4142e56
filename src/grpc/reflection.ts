/**
 * Server reflection over the descriptors that buf makes of the protos: files under their own names, with their
 * imports and comments. Those that proto-loader makes name no imports, and strict clients refuse them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Server, ServerDuplexStream, ServiceDefinition } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import protobuf from 'protobufjs';

const descriptorSet = join(import.meta.dirname, '../../generated/grpc/descriptors.binpb');

/** Of the reflection protocol, which is v1 and v1alpha. */
interface Version {
  readonly definition: ServiceDefinition;
  readonly answer: Answer;
}

/** They know no file. */
const empty = versions({});

/** Its index of the files takes a tenth of a second, and most servers are never asked: it is made for the first call. */
export function addReflection(server: Server): void {
  let indexed: readonly Version[] | undefined;
  for (const [index, { definition }] of empty.entries()) {
    const answer: Answer = (stream) => {
      indexed ??= versions({ kodama: ownPackage() });
      indexed[index]?.answer(stream);
      pace(stream);
    };
    server.addService(definition, { ServerReflectionInfo: answer });
  }
}

/** The service reads nothing of a definition but its files. */
function ownPackage() {
  const format = 'Protocol Buffer 3 EnumDescriptorProto' as const;
  return { format, type: {}, fileDescriptorProtos: files(readFileSync(descriptorSet)) };
}

function versions(root: PackageDefinition): readonly Version[] {
  const found: Version[] = [];
  new ReflectionService(root).addToServer({
    addService(definition: ServiceDefinition, { ServerReflectionInfo: answer }) {
      found.push({ definition, answer: answer as Answer });
    },
  });
  return found;
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
