/** The log for people: a line of pino's JSON as one line of text, a failure with its stack below. */
import { styleText } from 'node:util';
import { plainText } from './plain-text.ts';

interface LogLine extends Record<string, unknown> {
  readonly level: number;
  readonly time: number;
  readonly msg: string;
  /** Who it is about comes before what is said. */
  readonly listener?: string;
  readonly raddr?: string;
}

const levels: Readonly<Record<number, string>> = {
  20: 'DEBUG',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};
const infoLevel = 30;
/** Names say who it is; the ids are for programs, which read the JSON. */
const ids = new Set(['listenerId', 'connectionId']);

/** `hasColors` marks the time and what is a warning or worse. */
export function logText(json: string, hasColors: boolean): string {
  const { level, time, name: _, msg, listener, raddr, ...fields }: LogLine = JSON.parse(json);
  const style = hasColors ? styled : (text: string) => text;
  const label = levels[level];
  const words = [
    style(timeOf(time), 'dim'),
    ...(label === undefined ? [] : [style(label, level > infoLevel ? 'red' : 'dim')]),
    ...(listener === undefined ? [] : [`${plainText(listener)}:`]),
    ...(raddr === undefined ? [] : [plainText(raddr)]),
    plainText(msg),
    ...Object.entries(fields)
      .filter(([key, value]) => !isFailure(value) && (level !== infoLevel || !ids.has(key)))
      .map(([key, value]) => `${style(`${key}=`, 'dim')}${valueText(value)}`),
  ];
  const failures = Object.values(fields).filter(isFailure).map(failureText);
  return `${words.join(' ')}\n${failures.join('')}`;
}

function styled(text: string, style: 'dim' | 'red'): string {
  return styleText(style, text, { validateStream: false });
}

/** In the zone of whoever reads it. */
function timeOf(time: number): string {
  const at = new Date(time);
  const two = (number: number) => String(number).padStart(2, '0');
  const seconds = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  return `${seconds}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

function valueText(value: unknown): string {
  const isPlain = typeof value === 'string' && /^[^\s"=]+$/.test(value);
  return plainText(isPlain ? value : (JSON.stringify(value) ?? ''));
}

/** An error as pino has it: its stack holds its type, its message and its causes. */
interface Failure {
  readonly stack: string;
  readonly type?: string;
  readonly message?: string;
}

function isFailure(value: unknown): value is Failure {
  return typeof value === 'object' && value !== null && 'stack' in value;
}

/** The stack, and what else is told of it. */
function failureText({ stack, type: _, message: __, ...rest }: Failure): string {
  const lines = String(stack).split('\n');
  if (Object.keys(rest).length > 0) lines.push(JSON.stringify(rest));
  return lines.map((line) => `    ${plainText(line)}\n`).join('');
}
