/** Times inside kodama are whole microseconds since the Unix epoch: exact in a double until the year 2255. */
export type Micros = number;

/** RFC 3339 in UTC with microseconds: `2026-11-24T03:53:53.123456Z`. */
export function formatTime(time: Micros): string {
  const millis = Math.floor(time / 1000);
  const micros = time - millis * 1000;
  return `${new Date(millis).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

const rfc3339 =
  /^(\d{4}-\d{2}-\d{2})[Tt ]((?:[01]\d|2[0-3]):\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

/** Parses RFC 3339 down to microseconds (further digits are cut); null where it is none. */
export function parseTime(text: string): Micros | null {
  const match = rfc3339.exec(text);
  if (match === null) return null;
  const [, date = '', time = '', fraction = '', zone = ''] = match;
  const millis = Date.parse(`${date}T${time}${zone.toUpperCase()}`);
  const midnight = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(millis) || Number.isNaN(midnight)) return null;
  // Date.parse rolls 2026-02-31 over to March; RFC 3339 has no such day.
  if (!new Date(midnight).toISOString().startsWith(date)) return null;
  return millis * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}
