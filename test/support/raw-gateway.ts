/** A gateway that has nothing behind it: it writes what a test wants, and keeps what agents send. */
import { randomBytes, randomUUID } from 'node:crypto';
import { type Server as GrpcServer, Server, ServerCredentials } from '@grpc/grpc-js';
import type { AgentStream } from '../../src/gateway/frame-writer.ts';
import {
  type ControlFrame,
  controlFrames,
  type FrameOf,
  type NodeFrame,
  nodeFrames,
} from '../../src/wire/frames.ts';
import { gatewayService } from '../../src/wire/gateway-protos.ts';
import { waitFor } from './wait-for.ts';

const heartbeatMs = 50;

export async function startRawGateway() {
  const server: GrpcServer = new Server();
  const installation = randomUUID();
  const streams: AgentStream[] = [];
  const frames: NodeFrame[] = [];
  server.addService(gatewayService, {
    Join: () => undefined,
    Session: (stream: AgentStream) => {
      streams.push(stream);
      stream.on('error', () => undefined);
      stream.on('data', (bytes: Buffer) => {
        const frame = nodeFrames.decode(bytes);
        if (frame !== null) frames.push(frame);
      });
      const nonce = randomBytes(32);
      stream.write(controlFrames.encode({ kind: 'challenge', nonce, installation }));
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const ofKind = <Kind extends NodeFrame['kind']>(kind: Kind) =>
    frames.filter((one): one is FrameOf<NodeFrame, Kind> => one.kind === kind);
  const raw = {
    installation,
    url: `http://127.0.0.1:${port}`,
    frames,
    get sessions() {
      return streams.length;
    },
    ofKind,
    write: (bytes: Buffer) => void streams.at(-1)?.write(bytes),
    send: (frame: ControlFrame) => raw.write(controlFrames.encode(frame)),
    replyTo: (number: number) =>
      waitFor('a reply', () => ofKind('reply').find((one) => one.number === number)),
    async hello() {
      return await waitFor('a hello', () => ofKind('hello').at(-1));
    },
    async welcome(protocol = 1): Promise<void> {
      await raw.hello();
      const own = { session: 1, heartbeatMs, lostAfterMs: 300_000, protocol } as const;
      raw.send({ kind: 'welcome', serverTime: Date.now() * 1000, ...own });
    },
    /** Answers nothing: that the session goes on is seen by those that come. */
    async beatsGoOn(): Promise<void> {
      const before = ofKind('heartbeat').length;
      await waitFor('another heartbeat', () => ofKind('heartbeat').length > before + 1);
    },
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
    },
  };
  return raw;
}
