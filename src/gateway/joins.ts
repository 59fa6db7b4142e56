/** The one call that is open to whoever has a join token: so many a second from an address, and an answer to each. */
import type { handleUnaryCall, ServerUnaryCall } from '@grpc/grpc-js';
import { AddressRates } from '../core/address-rates.ts';
import { monotonic } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';
import type { Admission } from '../fleet/admission.ts';
import { decodeJoin, type JoinOutcome, joinOutcomes, problemOf } from '../wire/frames.ts';
import { WireError } from '../wire/wire-error.ts';
import type { GatewayLimits } from './gateway-limits.ts';

export interface JoinOptions {
  readonly admission: Admission;
  readonly logger: Logger;
  readonly limits: Pick<GatewayLimits, 'joinsPerSecond' | 'joinAddressesMax'>;
  readonly sourceIpOf: (call: ServerUnaryCall<Buffer, Buffer>) => string | null;
}

export function joinHandler(options: JoinOptions): handleUnaryCall<Buffer, Buffer> {
  const { joinsPerSecond: perSecond, joinAddressesMax } = options.limits;
  const rates = new AddressRates({ perSecond, burst: perSecond }, joinAddressesMax);
  return (call, done) => {
    const sourceIp = options.sourceIpOf(call);
    const now = monotonic();
    const outcome = rates.of(sourceIp, now).take(now)
      ? join(options, call.request, sourceIp)
      : Promise.resolve(tooMany(perSecond));
    void outcome.then((told) => done(null, joinOutcomes.encode(told)));
  };
}

function tooMany(limitValue: number): JoinOutcome {
  const limited = { limit: 'joinsPerSecond', limitValue, retryAfterMs: 1000 };
  const error = new AppError('resource_exhausted', 'too many joins from this address', limited);
  return { kind: 'problem', ...problemOf(error) };
}

async function join(
  { admission, logger }: JoinOptions,
  encoded: Buffer,
  sourceIp: string | null,
): Promise<JoinOutcome> {
  try {
    const request = decodeJoin(encoded);
    const { nodeId, name } = await admission.join({ ...request, sourceIp });
    const installation = await admission.installationId();
    logger.info({ nodeId, node: name, sourceIp }, 'a node has joined');
    return { kind: 'joined', nodeId, name, installation };
  } catch (error) {
    if (error instanceof WireError) {
      return { kind: 'problem', ...problemOf(new AppError('invalid_argument', error.message)) };
    }
    if (error instanceof AppError) logger.warn({ sourceIp, code: error.code }, 'a join is refused');
    else logger.error({ sourceIp, err: error }, 'a join failed');
    return { kind: 'problem', ...problemOf(error) };
  }
}
