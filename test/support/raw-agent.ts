/** A client of the gateway that keeps to nothing: it writes what a test wants, and keeps what comes. */
import { randomUUID } from 'node:crypto';
import { Client, credentials } from '@grpc/grpc-js';
import type { Identity } from '../../src/agent/identity.ts';
import {
  type ControlFrame,
  controlFrames,
  encodeJoin,
  type FrameOf,
  type JoinOutcome,
  type JoinRequest,
  joinOutcomes,
  type NodeFrame,
  nodeFrames,
} from '../../src/wire/frames.ts';
import { gatewayService } from '../../src/wire/gateway-protos.ts';
import { signHello } from '../../src/wire/hello-signature.ts';
import { waitFor } from './wait-for.ts';

type Hello = FrameOf<NodeFrame, 'hello'>;

export function openRaw(url: string) {
  const client = new Client(new URL(url).host, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  const { path, requestSerialize, responseDeserialize } = gatewayService.Session;
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  const frames: ControlFrame[] = [];
  let isOver = false;
  let onFrame: (frame: ControlFrame) => void = () => undefined;
  stream.on('data', (bytes: Buffer) => {
    const frame = controlFrames.decode(bytes);
    if (frame === null) return;
    frames.push(frame);
    onFrame(frame);
  });
  for (const end of ['error', 'end', 'close']) {
    stream.on(end, () => {
      isOver = true;
    });
  }
  const find = <Kind extends ControlFrame['kind']>(kind: Kind) =>
    frames.find((one): one is FrameOf<ControlFrame, Kind> => one.kind === kind);
  const raw = {
    stream,
    frames,
    get isOver() {
      return isOver;
    },
    /** Told of each that comes from now on. */
    onFrame(callback: typeof onFrame) {
      onFrame = callback;
    },
    write: (bytes: Buffer) => void stream.write(bytes),
    send: (frame: NodeFrame) => void stream.write(nodeFrames.encode(frame)),
    got: <Kind extends ControlFrame['kind']>(kind: Kind) => waitFor(kind, () => find(kind) ?? null),
    /** The reason, once the stream is over. */
    async goodbye() {
      const { reason, isFinal } = await raw.got('goAway');
      await waitFor('the end of the stream', () => isOver);
      return { reason, isFinal };
    },
    async hello(identity: Identity, given: Partial<Hello> = {}): Promise<Hello> {
      const { nonce, installation } = await raw.got('challenge');
      const { nodeId, key } = identity;
      const bootId = randomUUID();
      const signature = signHello(key, { installation, nodeId, bootId, nonce });
      const hello: Hello = {
        ...{ kind: 'hello', nodeId, bootId, signature, keyGeneration: 0, version: '0' },
        ...{ hostname: 'host', addresses: [], listenHost: '127.0.0.1', portRange: null },
        ...{ protocols: null, clockOffsetMs: 0, connectionsMax: 0 },
        ...given,
      };
      raw.send(hello);
      return hello;
    },
    async welcomed(identity: Identity) {
      await raw.hello(identity);
      return await raw.got('welcome');
    },
    async [Symbol.asyncDispose]() {
      stream.cancel();
      client.close();
    },
  };
  return raw;
}

export async function joinRaw(url: string, request: JoinRequest | Buffer): Promise<JoinOutcome> {
  const client = new Client(new URL(url).host, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = gatewayService.Join;
  const bytes = Buffer.isBuffer(request) ? request : encodeJoin(request);
  try {
    const answer = await new Promise<Buffer>((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, bytes, (error, got) =>
        got === undefined ? reject(error) : resolve(got),
      );
    });
    const outcome = joinOutcomes.decode(answer);
    if (outcome === null) throw new TypeError('an outcome that is not known');
    return outcome;
  } finally {
    client.close();
  }
}
