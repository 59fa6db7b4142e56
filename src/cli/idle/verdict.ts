/** What a ladder tells: its rungs as their clients saw them, joined with the server's record of each. */
import { formatElapsed } from '../durations.ts';
import { silenceMsOf } from '../resource-tables.ts';
import type { Connection } from '../rest-client.ts';
import { elapsedMs } from '../times.ts';
import type { Death } from './busy-control.ts';
import type { Rung } from './ladder.ts';
import { datagramBytes } from './udp-probe.ts';

/** How a connection dies that has been silent for too long. */
const hows = ['rst', 'fin', 'silent', 'rst_on_next', 'remapped', 'unreachable'] as const;
export type How = (typeof hows)[number];

export type RungRecord = Pick<
  Connection,
  'acceptedAt' | 'lastByteAt' | 'closedAt' | 'closeReason' | 'closeInitiator' | 'error' | 'bytesIn'
>;

export interface JoinedRung extends Rung {
  /** Null where none is on record. */
  readonly record: RungRecord | null;
}

export interface Verdict {
  /** The longest silence that was lived through. */
  readonly aliveMs: number | null;
  /** The shortest above it that was not. */
  readonly deadMs: number | null;
  readonly how: How | 'none';
  /** The silence before the end as the server has it, where the box ended that side, too: the time-out itself. */
  readonly recordedMs: number | null;
  /** Why it is no finding; null where it is one. */
  readonly why: string | null;
  readonly remarks: readonly string[];
}

const nothingFound = { aliveMs: null, deadMs: null, how: 'none', recordedMs: null } as const;

/** `death` is that of the connection which was never silent. */
export function verdictOf(rungs: readonly JoinedRung[], death: Death | null): Verdict {
  if (death !== null) {
    const after = formatElapsed(death.afterMs);
    const why = `the connection that was never silent ended as well (${death.how} after ${after}): silence is not what ends connections here`;
    return { ...nothingFound, why, remarks: [] };
  }
  const dead = rungs.flatMap((rung) => {
    const how = howOf(rung);
    return how === null ? [] : [{ ...rung, how }];
  });
  const aliveMs = extreme(Math.max, rungs.filter(isAlive));
  const above = dead.filter(({ silenceMs }) => silenceMs > (aliveMs ?? 0));
  const deadMs = extreme(Math.min, above);
  const recordedMs = median(above.flatMap(silenceBeforeEndMs));
  const how: Verdict['how'] = mostFrequent(above.map(({ how }) => how)) ?? 'none';
  const found = { aliveMs, deadMs, how, recordedMs };
  return { ...found, why: whyNone(found, rungs), remarks: remarksOf(rungs, dead, above) };
}

/** An echo that is unsure of its session was one of a new session, where the old one has nothing more on record. */
export function isAlive({ client, isUnsure, record }: JoinedRung): boolean {
  if (client !== 'alive') return false;
  return !isUnsure || record === null || record.bytesIn >= 2 * datagramBytes;
}

/** Null of one that lives, that was not tried, or that the server itself has ended. */
function howOf(rung: JoinedRung): How | null {
  const { client, record, silenceMs } = rung;
  if (isAlive(rung) || endedByUs(rung) !== null) return null;
  if (client === 'alive') return 'remapped';
  if (client !== 'silent' || record?.closeReason !== 'peer_rst') {
    return hows.find((how) => how === client) ?? null;
  }
  // Where the server had spoken before it was reset, its packet was the next one.
  const { acceptedAt, lastByteAt } = record;
  const spokeAfterMs = elapsedMs(acceptedAt, lastByteAt ?? acceptedAt, 0);
  return spokeAfterMs > silenceMs / 2 ? 'rst_on_next' : client;
}

/** Of what has ended on the server for a reason of its own: the reason. */
function endedByUs({ client, record }: JoinedRung): string | null {
  if (client === 'alive' || record === null || record.closeInitiator === 'peer') return null;
  return record.closeReason;
}

/** Of one that the box has ended on both sides while it was silent. */
function silenceBeforeEndMs({ isBroken, record }: JoinedRung): readonly number[] {
  const isEnded = !isBroken && record?.closeInitiator === 'peer';
  const silenceMs = isEnded ? silenceMsOf(record) : null;
  return silenceMs === null ? [] : [silenceMs];
}

function whyNone(
  { aliveMs, deadMs, recordedMs }: Pick<Verdict, 'aliveMs' | 'deadMs' | 'recordedMs'>,
  rungs: readonly JoinedRung[],
): string | null {
  if (deadMs !== null && (aliveMs !== null || recordedMs !== null)) return null;
  if (deadMs !== null) {
    return `not even ${formatElapsed(deadMs)} of silence were lived through: a shorter --from tells more`;
  }
  const ours = rungs.flatMap((rung) => endedByUs(rung) ?? []);
  if (ours.length > 0) {
    return `kodama itself ended ${ours.length} of ${rungs.length} connections: ${[...new Set(ours)].join(', ')}`;
  }
  if (aliveMs === null) return 'no connection could be tried to its end';
  return `${formatElapsed(aliveMs)} of silence were lived through: a longer --to tells more`;
}

function remarksOf(
  rungs: readonly JoinedRung[],
  dead: readonly JoinedRung[],
  above: readonly JoinedRung[],
): readonly string[] {
  const below = dead.length - above.length;
  const unopened = rungs.filter(({ client }) => client === 'unopened').length;
  return [
    ...(below > 0 ? [`${below} died of a silence that another lived through`] : []),
    ...(unopened > 0 ? [`${unopened} could not be opened`] : []),
  ];
}

function extreme(of: (...values: number[]) => number, rungs: readonly JoinedRung[]): number | null {
  return rungs.length === 0 ? null : of(...rungs.map(({ silenceMs }) => silenceMs));
}

/** One that has been on its way when the others ended would tell another how. */
function mostFrequent(words: readonly How[]): How | null {
  const counts = new Map<How, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const [most] = [...counts].toSorted(([, one], [, other]) => other - one);
  return most?.[0] ?? null;
}

function median(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? null;
}
