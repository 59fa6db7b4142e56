/** Durations and sizes as people write them on a command line: `300ms`, `5s`, `2m`; `1kB`, `1MiB`. */

type Units = Readonly<Record<string, number>>;

const milliseconds: Units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** By SI and by IEC 80000-13, in any case. */
const bytes: Units = {
  b: 1,
  kb: 1000,
  mb: 1e6,
  gb: 1e9,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

/** Milliseconds; null where it is no duration. A bare number is of milliseconds. */
export function parseDuration(text: string): number | null {
  return parseQuantity(text, milliseconds);
}

/** Bytes; null where it is no size. A bare number is of bytes. */
export function parseSize(text: string): number | null {
  return parseQuantity(text.toLowerCase(), bytes);
}

/** Bytes a second, as `1MB/s` or `1MB`; null where it is no rate. */
export function parseRate(text: string): number | null {
  return parseSize(text.replace(/\/s$/, ''));
}

export interface Delay {
  readonly delayMs: number;
  readonly jitterMs: number;
}

/** `300ms`, or with how far it strays `300ms±50ms`, which is `300ms+-50ms` on other keyboards. */
export function parseDelay(text: string): Delay | null {
  const [delay = '', jitter = '0', ...rest] = text.split(/±|\+-/);
  const delayMs = parseDuration(delay);
  const jitterMs = parseDuration(jitter);
  return delayMs === null || jitterMs === null || rest.length > 0 ? null : { delayMs, jitterMs };
}

/** A whole number of the smallest unit: what would have to be rounded is none. */
function parseQuantity(text: string, units: Units): number | null {
  const [, number = '', unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?)([a-z]*)$/.exec(text) ?? [];
  const factor = unit === '' ? 1 : units[unit];
  if (number === '' || factor === undefined) return null;
  const value = Number((Number(number) * factor).toFixed(6));
  return Number.isSafeInteger(value) ? value : null;
}

/** In the largest unit of which it is a whole number: what `parseDuration` reads. */
export function formatDuration(ms: number): string {
  return formatQuantity(ms, [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ]);
}

/** In the largest unit of which it is a whole number: what `parseSize` reads. */
export function formatSize(size: number): string {
  return formatQuantity(size, [
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
    ['MB', 1e6],
    ['kB', 1000],
    ['B', 1],
  ]);
}

type Scale = readonly (readonly [unit: string, factor: number])[];

function formatQuantity(value: number, scale: Scale): string {
  const [unit, factor] = scale.find(([, each]) => value >= each && value % each === 0) ??
    scale.at(-1) ?? ['', 1];
  return `${value / factor}${unit}`;
}

const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** How much something is, to be read and not to be parsed: `812 B`, `40.4 KiB`, `37.3 GiB`. */
export function formatAmount(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), binaryUnits.length - 1);
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${binaryUnits[power]}`;
}

/** How long something took, to be read and not to be parsed: `3.306 s`, `2 m 05 s`, `3 h 07 m`, `4 d 02 h`. */
export function formatElapsed(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(3)} s`;
  const minutes = Math.floor(ms / 60_000);
  const two = (number: number) => String(number).padStart(2, '0');
  if (minutes < 60) return `${minutes} m ${two(Math.floor(ms / 1000) % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${two(minutes % 60)} m`;
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
}
