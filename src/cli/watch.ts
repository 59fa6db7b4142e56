/**
 * A list that goes on: redrawn in place on a terminal, and as changed rows in a pipe. It never ends by itself. What it
 * shows it has from the list of the API, and from the log what has changed since.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isPassing } from './failure.ts';
import { follow } from './follow.ts';
import { jsonText } from './json-text.ts';
import type { Event, Query, Status } from './rest-client.ts';
import type { Session } from './session.ts';
import { type Column, tableText } from './tables.ts';

export interface Watched<Row extends { readonly id: string; readonly state: string }> {
  /** What the list shows now, newest first. */
  list(): Promise<{ readonly items: readonly Row[]; readonly isCut: boolean }>;
  /** Which events may change it. */
  readonly filter: Query;
  /** What the event is about, where that belongs to the list. */
  rowOf(event: Event): Row | undefined;
  /** Whether a row of the log is no newer than what the list had. */
  isPast(row: Row, listed: Row): boolean;
  readonly columns: readonly Column<Row>[];
}

type Listed = { readonly id: string; readonly state: string };

export async function watch<Row extends Listed>(
  session: Session,
  watched: Watched<Row>,
): Promise<void> {
  const isDrawn = session.terminal.isWatched && session.format !== 'json';
  await (isDrawn ? redraw(session, watched) : printChanges(session, watched));
}

/** The log is read from before the list, so that nothing is missed between them; what the list knew, or what is as it was shown, is not shown again. */
async function printChanges<Row extends Listed>(
  { client, terminal, format }: Session,
  { list, filter, rowOf, isPast, columns }: Watched<Row>,
): Promise<void> {
  const { headSeq } = await client.get<Status>('/v1/status');
  const widths: number[] = [];
  const shown = new Map<string, string>();
  const print = async (rows: readonly Row[], isHeaded = false) => {
    const changed = rows.filter((row) => shown.get(row.id) !== JSON.stringify(row));
    for (const row of changed) {
      if (row.state === 'closed') shown.delete(row.id);
      else shown.set(row.id, JSON.stringify(row));
    }
    const text =
      format === 'json'
        ? changed.map((row) => `${jsonText(row)}\n`).join('')
        : tableText(columns, changed, { isColored: false, widths, isHeaded });
    await terminal.print(text);
  };
  const { items, isCut } = await list();
  await print(items.toReversed(), true);
  if (isCut) terminal.say(`kodama: it begins with the newest ${items.length}, and there are more`);
  const say = (text: string) => terminal.say(text);
  // Where it is synced, the log is past what the list knew.
  const listed = new Map(items.map((row) => [row.id, row]));
  const isKnown = (row: Row) => {
    const before = listed.get(row.id);
    return before !== undefined && isPast(row, before);
  };
  let isReady = false;
  const start = { afterSeq: headSeq };
  for await (const { message } of follow({ client, query: filter, start, say })) {
    if ('event' in message) {
      const row = rowOf(message.event);
      const isShown = row !== undefined || shown.has(idOf(message.event));
      const changed = row ?? (isShown ? (aboutOf(message.event) as Row) : undefined);
      if (changed !== undefined && !isKnown(changed)) await print([changed]);
    } else if ('synced' in message && !isReady) {
      isReady = true;
      listed.clear();
      say(`kodama: ready, and following from seq ${message.seq} on`);
    }
  }
}

function aboutOf({ connection, listener }: Event): Listed | undefined {
  return connection ?? listener;
}

function idOf(event: Event): string {
  return aboutOf(event)?.id ?? '';
}

/** Counters change without an event. */
const redrawEveryMs = 3000;
const redrawMinMs = 250;

interface Picture {
  /** Where the log stood; null before the first word of it. */
  seq: number | null;
  /** What is wrong, in place of the title. */
  note: string;
  wake: PromiseWithResolvers<void>;
}

async function redraw<Row extends Listed>(session: Session, watched: Watched<Row>): Promise<void> {
  const { client } = session;
  const stop = new AbortController();
  const { signal } = stop;
  const picture: Picture = { seq: null, note: '', wake: Promise.withResolvers<void>() };
  const say = (text: string) => {
    picture.note = text;
    picture.wake.resolve();
  };
  const listen = async () => {
    const start = { fromNow: true };
    for await (const { message } of follow({ client, query: watched.filter, start, signal, say })) {
      picture.seq = message.seq;
      picture.note = '';
      if (!('heartbeat' in message)) picture.wake.resolve();
    }
  };
  const draw = async () => {
    const screen = new Screen(session);
    for (;;) {
      picture.wake = Promise.withResolvers();
      await drawOnce(screen, watched, picture);
      await delay(redrawMinMs, undefined, { signal });
      const pause = delay(redrawEveryMs, undefined, { signal, ref: false });
      await Promise.race([picture.wake.promise, pause]);
    }
  };
  try {
    await Promise.race([listen(), draw()]);
  } finally {
    stop.abort();
  }
}

async function drawOnce<Row extends Listed>(
  screen: Screen,
  { list, columns }: Watched<Row>,
  picture: Picture,
): Promise<void> {
  const { seq, note } = picture;
  try {
    const { items, isCut } = await list();
    const count = isCut ? `the newest ${items.length} of more` : `all ${items.length}`;
    const place = seq === null ? '' : `, at seq ${seq}`;
    const title = note === '' ? `${count}${place}` : note;
    await screen.draw(title, columns, items);
  } catch (error) {
    if (!isPassing(error) || seq === null) throw error;
    // The picture stays. That the connection is lost is told by whoever follows the log, for the list as well.
    const refusal = `kodama: the list is not answered (${error.message}): asking again`;
    await screen.retitle(picture.note === '' ? refusal : picture.note);
  }
}

const clearBelow = '\u001b[J';
const clearLine = '\u001b[K';

/** What was drawn last is drawn over. */
class Screen {
  readonly #session: Session;
  #lines = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  async draw<Row>(title: string, columns: readonly Column<Row>[], rows: readonly Row[]) {
    const { terminal } = this.#session;
    const { isColored, room = { rows: 24, columns: 80 } } = terminal;
    const ownRoom = { rows: room.rows - 2, columns: room.columns };
    const table = tableText(columns, rows, { isColored, room: ownRoom });
    const text = `${title.slice(0, room.columns - 1)}\n${table}`;
    await terminal.print(`${this.#up()}\r${clearBelow}${text}`);
    this.#lines = text.split('\n').length - 1;
  }

  async retitle(title: string) {
    const { terminal } = this.#session;
    if (this.#lines === 0) return;
    const down = `\u001b[${this.#lines}B`;
    const columns = terminal.room?.columns ?? 80;
    await terminal.print(`${this.#up()}\r${clearLine}${title.slice(0, columns - 1)}${down}\r`);
  }

  #up(): string {
    return this.#lines === 0 ? '' : `\u001b[${this.#lines}A`;
  }
}
