/** The gateway's protos, loaded once. What goes over a stream is encoded by frames.ts, so that its size is known. */
import { join } from 'node:path';
import type { MethodDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

const protoDir = join(import.meta.dirname, '../../proto');
const serviceName = 'kodama.fleet.v1.GatewayService';

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => join(protoDir, target);
root.loadSync('kodama/fleet/v1/gateway.proto').resolveAll();

export function messageType(name: string): protobuf.Type {
  return root.lookupType(`kodama.fleet.v1.${name}`);
}

type BytesMethod = MethodDefinition<Buffer, Buffer>;

const asItIs = (bytes: Buffer): Buffer => bytes;

function method(name: string, isStream: boolean): BytesMethod {
  return {
    path: `/${serviceName}/${name}`,
    requestStream: isStream,
    responseStream: isStream,
    requestSerialize: asItIs,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
  };
}

export const gatewayService = {
  Join: method('Join', false),
  Session: method('Session', true),
} as const;
