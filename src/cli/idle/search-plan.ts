/** What is searched, and where: the command line as the finder of idle time-outs takes it. */
import { isIPv6 } from 'node:net';
import { formatAddress } from '../../core/address.ts';
import { usageFailure } from '../failure.ts';

/** Who breaks the silence. */
export type Direction = 'client' | 'server';

export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface SearchPlan {
  /** Through what stands between, to the listener. */
  readonly target: Place;
  readonly protocol: 'tcp' | 'udp';
  readonly directions: readonly Direction[];
  readonly silencesMs: readonly number[];
  /** A second ladder, within what the first has found. */
  readonly isRefined: boolean;
}

export interface IdleOptions {
  readonly from: number;
  readonly to: number;
  readonly steps: number;
  readonly direction: Direction | 'both';
  readonly udp?: true;
  readonly refine?: true;
}

const silenceMsMin = 20;
/** Beyond what RFC 5382 asks of a NAT for TCP, and well within a UDP session's own longest time. */
const silenceMsMax = 12 * 3_600_000;
const stepsMin = 2;
/** Each is a connection, and all are open at once, in both directions. */
const stepsMax = 200;

/** @throws CommandFailure where it cannot be */
export function searchPlan(target: string, options: IdleOptions): SearchPlan {
  const { from, to, steps, direction, udp, refine } = options;
  if (udp === true && direction !== 'client') {
    throw usageFailure(
      `--direction ${direction} is for TCP: over UDP the server never speaks first, since a forged datagram could make it ` +
        'send to a stranger',
    );
  }
  if (from < silenceMsMin) throw usageFailure(`--from is at least ${silenceMsMin}ms`);
  if (to > silenceMsMax) throw usageFailure('--to is at most 12h');
  if (from >= to) throw usageFailure('--from is not below --to');
  if (steps < stepsMin || steps > stepsMax) {
    throw usageFailure(`--steps is from ${stepsMin} to ${stepsMax}`);
  }
  return {
    target: placeOf(target),
    protocol: udp === true ? 'udp' : 'tcp',
    directions: direction === 'both' ? ['client', 'server'] : [direction],
    silencesMs: ladderOf(from, to, steps),
    isRefined: refine === true,
  };
}

function placeOf(text: string): Place {
  const [, bracketed, plain, port = ''] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const isWrong = bracketed !== undefined && !isIPv6(bracketed);
  if (host === '' || isWrong || Number(port) < 1 || Number(port) > 65_535) {
    throw usageFailure(`${text} is not HOST:PORT, such as nat.example:9000 or [::1]:9000`);
  }
  return { host, port: Number(port) };
}

export function targetText({ host, port }: Place): string {
  return formatAddress({ ip: host, port });
}

/** Each silence is longer than the one before by the same factor: short ones are told apart as well as long ones. */
function ladderOf(fromMs: number, toMs: number, steps: number): readonly number[] {
  const factor = (toMs / fromMs) ** (1 / (steps - 1));
  return Array.from({ length: steps }, (_, at) => Math.round(fromMs * factor ** at));
}

/** Evenly between two silences; those that would be the same millisecond are one. */
export function rungsBetween(aliveMs: number, deadMs: number, steps: number): readonly number[] {
  const stepMs = (deadMs - aliveMs) / (steps + 1);
  const all = Array.from({ length: steps }, (_, at) => Math.round(aliveMs + stepMs * (at + 1)));
  return [...new Set(all)].filter((each) => each > aliveMs && each < deadMs);
}
