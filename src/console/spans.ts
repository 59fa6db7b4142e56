/** Times of the server, and the spans between them, as people read them. */

/** Of RFC 3339 times in UTC with microseconds; below 0 where the second one is earlier. */
export function spanMs(from: string, to: string): number {
  // Apart, since a double does not hold the microseconds of an epoch in milliseconds.
  const wholeMs = Date.parse(`${to.slice(0, 19)}Z`) - Date.parse(`${from.slice(0, 19)}Z`);
  return wholeMs + (microsOf(to) - microsOf(from)) / 1000;
}

/** Those of its second. */
function microsOf(time: string): number {
  return Number(time.slice(20, -1).padEnd(6, '0'));
}

/** `1.2 ms`, `3.004 s`, `2 min 5 s`, `26 h 3 min`. */
export function spanText(ms: number): string {
  if (ms < 1000) return `${Number(ms.toFixed(ms < 10 ? 3 : 1))} ms`;
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(3))} s`;
  const seconds = Math.round(ms / 1000);
  const [whole, part] = ms < 3_600_000 ? [60, 1] : [3600, 60];
  const [word, partWord] = ms < 3_600_000 ? ['min', 's'] : ['h', 'min'];
  const rest = Math.floor((seconds % whole) / part);
  return `${Math.floor(seconds / whole)} ${word}${rest === 0 ? '' : ` ${rest} ${partWord}`}`;
}

/** `1.3 kB/s`: bytes over a span. */
export function rateText(bytes: number, ms: number): string {
  const perSecond = ms > 0 ? (bytes * 1000) / ms : 0;
  const units = ['B/s', 'kB/s', 'MB/s', 'GB/s'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, perSecond)) / 3));
  return `${Number((perSecond / 1000 ** power).toFixed(power === 0 ? 0 : 1))} ${units[power]}`;
}

/** The time of a day, with the day where that is another than `day`. */
export function clockText(time: string, day: string): string {
  return time.startsWith(day) ? time.slice(11, 23) : `${time.slice(5, 10)} ${time.slice(11, 19)}`;
}

/** To the second, in the zone of the reader: `2026-11-26 12:00:05`. */
export function dateText(time: string | number): string {
  return new Date(time).toLocaleString('sv');
}
