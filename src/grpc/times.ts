/** Times and durations of protobuf. */

import type { Duration__Output as DurationMessage } from '../../generated/grpc/google/protobuf/Duration.ts';
import type { Timestamp__Output as TimestampMessage } from '../../generated/grpc/google/protobuf/Timestamp.ts';
import type { Micros } from '../core/time.ts';

export function toTimestamp(time: Micros): { seconds: number; nanos: number } {
  const seconds = Math.floor(time / 1_000_000);
  return { seconds, nanos: (time - seconds * 1_000_000) * 1000 };
}

export function toOptionalTimestamp(time: Micros | null): ReturnType<typeof toTimestamp> | null {
  return time === null ? null : toTimestamp(time);
}

/** The years 0001 to 9999, as timestamp.proto has it. */
const secondsMin = -62_135_596_800;
const secondsMax = 253_402_300_799;

/** RFC 3339, as the schemas read it; what is no time reads as such, so that it is refused under its name. */
export function timeText(timestamp: TimestampMessage | undefined): string | undefined {
  if (timestamp === undefined) return undefined;
  const { seconds: text = '0', nanos = 0 } = timestamp;
  const seconds = Number(text);
  const isTime = seconds >= secondsMin && seconds <= secondsMax && nanos >= 0 && nanos < 1e9;
  if (!isTime) return 'out of range';
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return `${whole}.${String(nanos).padStart(9, '0')}Z`;
}

/**
 * May be a fraction, which the schemas refuse; so is NaN, for what is no duration: its parts have one sign, and
 * its nanos are less than a second (duration.proto).
 */
export function durationMs(duration: DurationMessage | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const seconds = Number(duration.seconds ?? '0');
  const { nanos = 0 } = duration;
  if (Math.abs(nanos) >= 1e9 || seconds * nanos < 0) return Number.NaN;
  return seconds * 1000 + nanos / 1_000_000;
}

/** A 64-bit number; beyond what a double holds exactly the schemas refuse it. */
export function wholeNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
