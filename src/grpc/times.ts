/** Times and durations: microseconds and milliseconds here, google.protobuf.Timestamp and Duration on the wire. */
import { exactTime, type Micros } from '../core/time.ts';
import type { ByteSink } from './byte-sink.ts';

/** As protobufjs decodes both; 64 bits are a number, or an object that has one. */
export interface SecondsMessage {
  readonly seconds: unknown;
  readonly nanos: number;
}

/** The fields of a Timestamp: seconds are 1, nanos are 2. */
export function writeTimestamp(given: Micros, sink: ByteSink): void {
  const time = exactTime(given);
  const seconds = Math.floor(time / 1_000_000);
  sink.byte(0x08);
  sink.varint(seconds);
  sink.byte(0x10);
  sink.varint((time - seconds * 1_000_000) * 1000);
}

/** The years 0001 to 9999, as timestamp.proto has it. */
const secondsMin = -62_135_596_800;
const secondsMax = 253_402_300_799;

/** RFC 3339, as the schemas read it; what is no time reads as such, so that it is refused under its name. */
export function timeText(timestamp: SecondsMessage): string {
  const { nanos } = timestamp;
  const seconds = Number(timestamp.seconds);
  const isTime = seconds >= secondsMin && seconds <= secondsMax && nanos >= 0 && nanos < 1e9;
  if (!isTime) return 'out of range';
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return `${whole}.${String(nanos).padStart(9, '0')}Z`;
}

/**
 * Whole milliseconds, away from 0: what is longer than nothing stays so. NaN, which the schemas refuse, for what is no
 * duration: its parts have one sign, and its nanos are less than a second (duration.proto).
 */
export function durationMs({ seconds: given, nanos }: SecondsMessage): number {
  const seconds = Number(given);
  if (Math.abs(nanos) >= 1e9 || seconds * nanos < 0) return Number.NaN;
  const millis = nanos / 1_000_000;
  return seconds * 1000 + (nanos < 0 ? Math.floor(millis) : Math.ceil(millis));
}
