/** Events as lines to read, in columns that do not move. */
import { plainText } from '../plain-text.ts';
import { formatElapsed } from './durations.ts';
import { addressText, endText, nameOf, whereText } from './resource-tables.ts';
import type { Connection, Event, Listener } from './rest-client.ts';
import { cellText } from './tables.ts';
import { clockText, elapsedMs } from './times.ts';

const widths = { seq: 7, type: 22, word: 9, listener: 14, raddr: 21 };

/** Of whole logs: `  4711  22:40:02.245  connection_opened  tour  127.0.0.1:34478  pid 19593 fd 24`. */
export function eventLine(event: Event, { isWide = false, now = Date.now() } = {}): string {
  const { listener, connection, refusal } = event;
  const name = listener === undefined ? (connection ?? refusal)?.listenerName : nameOf(listener);
  const id = event.connectionId ?? event.listenerId ?? '';
  return joined([
    String(event.seq).padStart(widths.seq),
    clockText(event.time, now),
    event.type.padEnd(widths.type),
    cellText(name ?? event.listenerId ?? null).padEnd(widths.listener),
    raddrText(event).padEnd(widths.raddr),
    detailText(event),
    isWide ? id : '',
  ]);
}

/** Of one listener: `22:40:02.245  opened  127.0.0.1:34478  pid 19593 fd 24`. */
export function listenerEventLine(event: Event, now = Date.now()): string {
  return joined([
    clockText(event.time, now),
    wordOf(event).padEnd(widths.word),
    raddrText(event).padEnd(widths.raddr),
    detailText(event),
  ]);
}

function joined(parts: readonly string[]): string {
  return `${parts
    .filter((part) => part !== '')
    .join('  ')
    .trimEnd()}\n`;
}

const words: Readonly<Record<string, string>> = {
  connection_opened: 'opened',
  connection_half_closed: 'half',
  connection_closed: 'closed',
  connection_refused: 'refused',
};

/** An event of the listener itself keeps its whole word, and so does one that is not known. */
function wordOf({ type }: Event): string {
  return plainText(words[type] ?? type);
}

function raddrText({ connection, refusal }: Event): string {
  return cellText(addressText((connection ?? refusal)?.raddr));
}

function detailText(event: Event): string {
  const { connection, refusal, listener } = event;
  if (connection !== undefined) return plainText(connectionText(event, connection));
  if (refusal !== undefined) {
    const times = refusal.count > 1 ? `, ${refusal.count} times` : '';
    return plainText(`${refusal.rule}${times}`);
  }
  return listener === undefined ? '' : plainText(listenerText(listener));
}

function connectionText({ type }: Event, connection: Connection): string {
  const { acceptedAt, closedAt, bytesIn, bytesOut } = connection;
  const bytes = `in ${bytesIn} out ${bytesOut}`;
  if (type === 'connection_opened') return openedText(connection);
  if (closedAt === null) return bytes;
  const lasted = formatElapsed(elapsedMs(acceptedAt, closedAt, 0));
  return [endText(connection), bytes, lasted].join('  ');
}

function openedText({ pid, fd, declaredRaddr, tls }: Connection): string {
  const declared = declaredRaddr === null ? '' : `, declared ${addressText(declaredRaddr)}`;
  const secure = tls === null ? '' : `, ${tls.version}${tls.sni === null ? '' : ` for ${tls.sni}`}`;
  return `pid ${pid} fd ${fd}${declared}${secure}`;
}

function listenerText(listener: Listener): string {
  const { protocol, state, reason } = listener;
  return `${protocol} ${whereText(listener)} ${reason === null ? state : `${state}: ${reason.message}`}`;
}
