/** Faults: core → protobuf, and protobuf → what the contract's schemas read. */

import type { BandwidthScope } from '../../generated/grpc/kodama/v1/BandwidthScope.ts';
import type { BlackholeHow } from '../../generated/grpc/kodama/v1/BlackholeHow.ts';
import type { CloseFaultMode } from '../../generated/grpc/kodama/v1/CloseFaultMode.ts';
import type {
  Fault__Output as FaultInput,
  Fault as FaultMessage,
} from '../../generated/grpc/kodama/v1/Fault.ts';
import type { LatencyDistribution } from '../../generated/grpc/kodama/v1/LatencyDistribution.ts';
import type { LimitAction } from '../../generated/grpc/kodama/v1/LimitAction.ts';
import type { Fault, FaultEffect } from '../core/fault.ts';
import { enumWords } from './protos.ts';
import { timeText, toOptionalTimestamp, wholeNumber } from './times.ts';

type Effect<Type extends Fault['type']> = Extract<FaultEffect, { type: Type }>;

const distributions = enumWords<LatencyDistribution, Effect<'latency'>['distribution']>(
  'LatencyDistribution',
  ['uniform', 'normal', 'pareto'],
);
const scopes = enumWords<BandwidthScope, Effect<'bandwidth'>['scope']>('BandwidthScope', [
  'connection',
  'listener',
]);
const actions = enumWords<LimitAction, Effect<'limit'>['action']>('LimitAction', [
  'fin',
  'rst',
  'blackhole',
]);
const closeModes = enumWords<CloseFaultMode, Effect<'close'>['mode']>('CloseFaultMode', [
  'fin',
  'rst',
  'half_close',
]);
const hows = enumWords<BlackholeHow, Effect<'blackhole'>['how']>('BlackholeHow', ['drop', 'stall']);

export function toFaultMessage(fault: Fault): FaultMessage {
  const { cidr, everyNth, firstN, afterN } = fault.match;
  return {
    probability: fault.probability,
    seed: fault.seed ?? undefined,
    match: { cidr, everyNth, firstN, afterN },
    enabled: fault.enabled,
    expiresAt: toOptionalTimestamp(fault.expiresAt),
    ...effectMessage(fault),
  };
}

function effectMessage(fault: FaultEffect): FaultMessage {
  switch (fault.type) {
    case 'latency': {
      const { delayMs, jitterMs, distribution } = fault;
      return { latency: { delayMs, jitterMs, distribution: distributions.toEnum(distribution) } };
    }
    case 'bandwidth':
      return {
        bandwidth: { bytesPerSecond: fault.bytesPerSecond, scope: scopes.toEnum(fault.scope) },
      };
    case 'slice': {
      const { averageBytes, variationBytes, delayMs } = fault;
      return { slice: { averageBytes, variationBytes, delayMs } };
    }
    case 'limit':
      return { limit: { bytes: fault.bytes, action: actions.toEnum(fault.action) } };
    case 'close': {
      const { afterMs, afterBytes, afterMessages, mode } = fault;
      return { close: { afterMs, afterBytes, afterMessages, mode: closeModes.toEnum(mode) } };
    }
    case 'accept_delay':
      return { acceptDelay: { delayMs: fault.delayMs } };
    case 'refuse':
      return { refuse: {} };
    case 'blackhole':
      return { blackhole: { how: hows.toEnum(fault.how) } };
    case 'drop':
      return { drop: {} };
    case 'duplicate':
      return { duplicate: {} };
    case 'corrupt':
      return { corrupt: { bytes: fault.bytes } };
    case 'slow_close':
      return { slowClose: { delayMs: fault.delayMs } };
    case 'banner': {
      const { text, base64, delayMs } = fault;
      return { banner: { text, base64, delayMs } };
    }
  }
}

export function toFaultInput(fault: FaultInput): object {
  const { match, probability, seed, enabled } = fault;
  return {
    ...effectInput(fault),
    probability,
    seed,
    match: match && {
      cidr: match.cidr,
      everyNth: match.everyNth,
      firstN: match.firstN,
      afterN: match.afterN,
    },
    enabled,
    expiresAt: timeText(fault.expiresAt),
  };
}

function effectInput(fault: FaultInput): object {
  const { latency, bandwidth, slice, limit, close, blackhole, banner } = fault;
  switch (fault.effect) {
    case 'latency': {
      const distribution = distributions.toWord(latency?.distribution);
      return {
        type: 'latency',
        delayMs: latency?.delayMs,
        jitterMs: latency?.jitterMs,
        distribution,
      };
    }
    case 'bandwidth': {
      const bytesPerSecond = wholeNumber(bandwidth?.bytesPerSecond);
      return { type: 'bandwidth', bytesPerSecond, scope: scopes.toWord(bandwidth?.scope) };
    }
    case 'slice': {
      const { averageBytes, variationBytes, delayMs } = slice ?? {};
      return { type: 'slice', averageBytes, variationBytes, delayMs };
    }
    case 'limit':
      return {
        type: 'limit',
        bytes: wholeNumber(limit?.bytes),
        action: actions.toWord(limit?.action),
      };
    case 'close': {
      const { afterMs, afterBytes, afterMessages, mode } = close ?? {};
      const words = { afterBytes: wholeNumber(afterBytes), mode: closeModes.toWord(mode) };
      return { type: 'close', afterMs, afterMessages, ...words };
    }
    case 'acceptDelay':
      return { type: 'accept_delay', delayMs: fault.acceptDelay?.delayMs };
    case 'blackhole':
      return { type: 'blackhole', how: hows.toWord(blackhole?.how) };
    case 'corrupt':
      return { type: 'corrupt', bytes: fault.corrupt?.bytes };
    case 'slowClose':
      return { type: 'slow_close', delayMs: fault.slowClose?.delayMs };
    case 'banner':
      return {
        type: 'banner',
        text: banner?.text,
        base64: banner?.base64,
        delayMs: banner?.delayMs,
      };
    case 'refuse':
    case 'drop':
    case 'duplicate':
      return { type: fault.effect };
    case undefined:
      return {};
  }
}
