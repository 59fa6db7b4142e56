/** Makes this host a node, by a join token, at the first gateway that takes it. */
import type { KeyObject } from 'node:crypto';
import type { AppError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';
import { WakeUps } from '../core/wake-ups.ts';
import { StartError } from '../node/start-error.ts';
import { encodeJoin, errorOf, type JoinOutcome, joinOutcomes } from '../wire/frames.ts';
import { gatewayService } from '../wire/gateway-protos.ts';
import { rawPublicKey } from '../wire/hello-signature.ts';
import { WireError } from '../wire/wire-error.ts';
import { type ChannelLimits, type GatewayUrl, openChannel, reasonOf } from './gateway-channel.ts';
import { type PauseLimits, Pauses } from './pauses.ts';

export interface JoinOptions {
  readonly gateways: readonly GatewayUrl[];
  readonly pin: string | null;
  readonly token: string;
  readonly key: KeyObject;
  readonly name: string;
  readonly hostname: string;
  readonly version: string;
  readonly limits: ChannelLimits & PauseLimits & { readonly answerTimeoutMs: number };
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

export type Joined = Omit<Extract<JoinOutcome, { kind: 'joined' }>, 'kind'>;

/** Asks one after the other, until one answers. @throws StartError where that is a refusal; AbortError */
export async function join(options: JoinOptions): Promise<Joined> {
  const { gateways, limits, logger, signal } = options;
  const pauses = new Pauses(limits);
  const wakeUps = new WakeUps();
  for (let at = 0; ; at = (at + 1) % gateways.length) {
    const gateway = gateways[at];
    if (gateway === undefined) throw new TypeError('no gateway to join at');
    const outcome = await ask(gateway, options).catch((error: unknown) => {
      logger.warn({ gateway: gateway.url, reason: reasonOf(error) }, 'the gateway does not answer');
      return null;
    });
    signal.throwIfAborted();
    if (outcome?.kind === 'joined') {
      const { kind: _, ...joined } = outcome;
      return joined;
    }
    if (outcome !== null) refuse(gateway, errorOf(outcome), logger);
    await wakeUps.sleep(pauses.next(), signal);
    signal.throwIfAborted();
  }
}

/** What another time, or another replica, may answer otherwise is only told. */
function refuse({ url }: GatewayUrl, error: AppError, logger: Logger): void {
  const isForNow = error.details.retryAfterMs !== undefined || error.code === 'internal';
  if (!isForNow && error.code !== 'unavailable') {
    throw new StartError(`${url} refuses this host: ${error.message}`);
  }
  logger.warn({ gateway: url, reason: error.message }, 'the gateway can not take it now');
}

async function ask(gateway: GatewayUrl, options: JoinOptions): Promise<JoinOutcome> {
  const { pin, limits, key, token, name, hostname, version, signal } = options;
  const client = await openChannel(gateway, pin, limits);
  try {
    const publicKey = rawPublicKey(key);
    const request = encodeJoin({ token, publicKey, name, hostname, version });
    const { path, requestSerialize, responseDeserialize } = gatewayService.Join;
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const deadline = Date.now() + limits.answerTimeoutMs;
      const cancel = () => call.cancel();
      const done = (error: Error | null, bytes?: Buffer) => {
        signal.removeEventListener('abort', cancel);
        if (bytes === undefined) reject(error ?? new TypeError('no answer'));
        else resolve(bytes);
      };
      const call = client.makeUnaryRequest(
        ...([path, requestSerialize, responseDeserialize, request] as const),
        ...([{ deadline }, done] as const),
      );
      signal.addEventListener('abort', cancel, { once: true });
    });
    const outcome = joinOutcomes.decode(answer);
    if (outcome === null) throw new WireError('an outcome that is not known here');
    return outcome;
  } finally {
    client.close();
  }
}
