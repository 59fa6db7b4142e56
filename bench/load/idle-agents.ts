/**
 * Agents without sockets, in one process: each has a TLS connection and a session of its own, and sends heartbeats.
 *
 *   idle-agents.ts <gateway url> <pin> <file of nodes>   prints `ready` when all are welcomed; at `tell` on stdin one
 *                                                        line of JSON about the heartbeats since then or the last one
 */
import { createPrivateKey, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { openChannel, readGatewayUrl } from '../../src/agent/gateway-channel.ts';
import { readAgentConfig } from '../../src/config.ts';
import { inParallel } from '../../src/core/in-parallel.ts';
import { controlFrames, type NodeFrame, nodeFrames } from '../../src/wire/frames.ts';
import { gatewayService } from '../../src/wire/gateway-protos.ts';
import { signHello } from '../../src/wire/hello-signature.ts';

interface IdleNode {
  readonly nodeId: string;
  /** PKCS #8, as PEM. */
  readonly key: string;
}

const [url = '', pin = '', file = ''] = process.argv.slice(2);
const nodes = JSON.parse(readFileSync(file, 'utf8')) as readonly IdleNode[];
const { limits } = readAgentConfig({});
const gateway = readGatewayUrl(url);
if (gateway === null) throw new Error(`no gateway: ${url}`);
const target = gateway;
/** As many as come at once to a gateway that has just started. */
const atOnce = 32;
const triesMax = 50;
/** At most. All come from one address, which has so many handshakes a second: who comes again at once takes them. */
const pauseMs = 2000;

const told = { sent: 0, stored: 0, unstored: 0, ended: 0, slowestMs: 0 };

/** Resolves at the welcome. */
async function begin({ nodeId, key }: IdleNode): Promise<void> {
  const { path, requestSerialize, responseDeserialize } = gatewayService.Session;
  const client = await openChannel(target, pin, limits);
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  const send = (frame: NodeFrame) => void stream.write(nodeFrames.encode(frame));
  const askedAt = new Map<number, number>();
  const welcomed = Promise.withResolvers<void>();
  const end = (why: string) => {
    told.ended += 1;
    welcomed.reject(new Error(`a session ended: ${why}`));
  };
  stream.on('error', ({ message }) => end(message)).on('end', () => end('without a word'));
  const beat = () => {
    const number = told.sent + 1;
    told.sent = number;
    askedAt.set(number, performance.now());
    send({
      ...{ kind: 'heartbeat', number, openConnections: 0, spoolRecords: 0 },
      ...{ clockOffsetMs: 0, workers: [] },
    });
  };
  stream.on('data', (bytes: Buffer) => {
    const frame = controlFrames.decode(bytes);
    if (frame?.kind === 'challenge') {
      const { nonce, installation } = frame;
      const bootId = randomUUID();
      const signed = { installation, nodeId, bootId, nonce };
      send({
        ...{ kind: 'hello', nodeId, bootId, signature: signHello(createPrivateKey(key), signed) },
        ...{ keyGeneration: 0, version: '0', hostname: 'idle', addresses: [] },
        ...{ listenHost: '127.0.0.1', portRange: null, clockOffsetMs: 0, protocols: null },
        connectionsMax: 0,
      });
    } else if (frame?.kind === 'welcome') {
      beat();
      // Agents that came at once do not go on at once.
      setTimeout(() => setInterval(beat, frame.heartbeatMs), Math.random() * frame.heartbeatMs);
      welcomed.resolve();
    } else if (frame?.kind === 'goAway') end(frame.reason);
    else if (frame?.kind === 'lease') {
      if (frame.stored) told.stored += 1;
      else told.unstored += 1;
      const tookMs = performance.now() - (askedAt.get(frame.number) ?? 0);
      askedAt.delete(frame.number);
      told.slowestMs = Math.max(told.slowestMs, tookMs);
    }
  });
  await welcomed.promise;
}

/** A gateway resets whom it has no room for just now: an agent comes again, and so do these. */
async function comeIn(node: IdleNode): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await begin(node);
      return;
    } catch (error) {
      if (tries === triesMax) throw error;
      await delay(Math.random() * pauseMs);
    }
  }
}

await inParallel(nodes, atOnce, comeIn);
told.ended = 0;
console.log('ready');
createInterface({ input: process.stdin })
  .on('line', () => {
    console.log(JSON.stringify(told));
    Object.assign(told, { stored: 0, unstored: 0, slowestMs: 0 });
  })
  .on('close', () => process.exit(0));
