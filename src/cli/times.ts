/** Times of the API in the zone of whoever reads them. */

/** `22:40:02.245`; with its day where that is not today. */
export function clockText(time: string, now: number): string {
  const at = new Date(time);
  const day = dayText(at);
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const text = `${clock}.${String(at.getMilliseconds()).padStart(3, '0')}`;
  return day === dayText(new Date(now)) ? text : `${day} ${text}`;
}

function dayText(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

/** Milliseconds from one time to another, or to now. */
export function elapsedMs(from: string, to: string | null, now: number): number {
  return Math.max(0, (to === null ? now : Date.parse(to)) - Date.parse(from));
}
