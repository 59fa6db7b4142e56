/** Times inside kodama are whole microseconds since the Unix epoch, and whole seconds where a double holds no more. */
export type Micros = number;

/** The years 0000 to 9999, in seconds: RFC 3339 writes no others. */
const [secondsMin, secondsMax] = [-62_167_219_200, 253_402_300_799];

/** The time of which each edge shows the same: microseconds are exact in a double until the year 2255. */
export function exactTime(time: Micros): Micros {
  if (Math.abs(time) <= Number.MAX_SAFE_INTEGER) return time;
  return Math.min(Math.max(Math.floor(time / 1e6), secondsMin), secondsMax) * 1e6;
}

/** How far the time in a connection's id may lie from its acceptedAt: history between two times is sought by id. */
export const idSlack: Micros = 1_000_000;

/** The last whole second that was formatted: the times of a page lie close together. */
let last = { seconds: Number.NaN, text: '' };

/** RFC 3339 in UTC with microseconds: `2026-11-24T03:53:53.123456Z`. */
export function formatTime(given: Micros): string {
  const time = exactTime(given);
  const seconds = Math.floor(time / 1e6);
  if (seconds !== last.seconds) last = { seconds, text: textOfSecond(seconds) };
  // With a one in front that is taken off again, none of its leading zeros is lost.
  const micros = String(1e6 + (time - seconds * 1e6)).slice(1);
  return `${last.text}.${micros}Z`;
}

function textOfSecond(seconds: number): string {
  const date = new Date(seconds * 1000);
  const year = String(date.getUTCFullYear()).padStart(4, '0');
  const day = `${year}-${twoDigits(date.getUTCMonth() + 1)}-${twoDigits(date.getUTCDate())}`;
  const [hours, minutes] = [twoDigits(date.getUTCHours()), twoDigits(date.getUTCMinutes())];
  return `${day}T${hours}:${minutes}:${twoDigits(date.getUTCSeconds())}`;
}

/** Date.toISOString, cut and added to, takes longer than this and the above. */
function twoDigits(number: number): string {
  return number < 10 ? `0${number}` : `${number}`;
}

const rfc3339 =
  /^(\d{4}-\d{2}-\d{2})[Tt ]((?:[01]\d|2[0-3]):\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

/** Parses RFC 3339, whose further digits are cut (exactTime); null where it is none, or in UTC beyond its years. */
export function parseTime(text: string): Micros | null {
  const match = rfc3339.exec(text);
  if (match === null) return null;
  const [, date = '', time = '', fraction = '', zone = ''] = match;
  const millis = Date.parse(`${date}T${time}${zone.toUpperCase()}`);
  const midnight = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(millis) || Number.isNaN(midnight)) return null;
  // Date.parse rolls 2026-02-31 over to March; RFC 3339 has no such day.
  if (!new Date(midnight).toISOString().startsWith(date)) return null;
  const seconds = millis / 1000;
  if (seconds < secondsMin || seconds > secondsMax) return null;
  return exactTime(seconds * 1e6 + Number(fraction.padEnd(6, '0').slice(0, 6)));
}

/** When it was made, of a UUIDv7 (RFC 9562, 5.7), to the millisecond. */
export function timeOfId(id: string): Micros {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) * 1000;
}
