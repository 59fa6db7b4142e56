/**
 * Server reflection over the descriptors that buf makes of the protos: files under their own names, with their
 * imports and comments. Those that proto-loader makes name no imports, and strict clients refuse them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReflectionService } from '@grpc/reflection';
import protobuf from 'protobufjs';

const descriptorSet = join(import.meta.dirname, 'generated/descriptors.binpb');

export function reflection(): ReflectionService {
  const fileDescriptorProtos = files(readFileSync(descriptorSet));
  // The service reads nothing of a definition but its files.
  const format = 'Protocol Buffer 3 EnumDescriptorProto';
  return new ReflectionService({ kodama: { format, type: {}, fileDescriptorProtos } });
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
