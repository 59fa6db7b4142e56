/**
 * A ladder of silences: each rung is a connection that says nothing for so long, all at once, so that it takes as long as
 * its longest rung. Then somebody speaks, and either it comes through or the way is dead.
 *
 *   client   greeted ── silence ──► asks ─► hears its own word?
 *   server   greeted ── silence ──► the server says a word to all ─► heard?     so the longest silence begins first
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { answerMs, type End, type Heard, type Probe, ProbeFailure, within } from './probe.ts';
import type { Direction } from './search-plan.ts';

/**
 * `alive`, or how it died as its client saw it: `rst` came while it was silent, `rst_on_next` when somebody had spoken.
 * `unopened` could not be tried, `unfinished` was given up.
 */
export type ClientWord =
  | 'alive'
  | 'silent'
  | 'rst_on_next'
  | 'remapped'
  | 'unopened'
  | 'unfinished'
  | End;

export interface Rung {
  /**
   * As long as it was, however late a machine is: of one that lives no longer than that, of one that died no shorter. Of one
   * that ended before, as long as it was to be.
   */
  readonly silenceMs: number;
  readonly client: ClientWord;
  readonly connectionId: string | null;
  /** Somebody spoke: what ended it came after that, and does not tell when its time was over. */
  readonly isBroken: boolean;
  /** An echo came, but not of the first try: its session may be a new one. */
  readonly isUnsure: boolean;
}

export interface LadderOptions {
  readonly open: () => Promise<Probe>;
  /** Makes the server say the word to every connection. */
  readonly speak: (word: string) => Promise<void>;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Ends it with what there is: silence is not what ends connections here. */
  readonly voided: AbortSignal;
  readonly onRung: (direction: Direction, rung: Rung) => void;
}

export interface Climb {
  readonly direction: Direction;
  readonly silencesMs: readonly number[];
}

/** The end of a silence, and what is heard then: the answer is waited for once all is done that makes it come. */
interface Broken {
  readonly at: number;
  readonly said: Promise<void>;
  readonly heard: Promise<Heard>;
}

/** Of each ladder its rungs. Where both speak, the server does when no client has anything left to ask. */
export async function climb(
  climbs: readonly Climb[],
  options: LadderOptions,
): Promise<readonly (readonly Rung[])[]> {
  const longestMs = Math.max(0, ...climbs.flatMap(({ silencesMs }) => silencesMs));
  const speakAfterMs = longestMs + (climbs.length > 1 ? answerMs : 0);
  const ladders = climbs.map(({ direction, silencesMs }) =>
    direction === 'client'
      ? clientsSpeak(silencesMs, options)
      : serverSpeaks(silencesMs, speakAfterMs, options),
  );
  return await Promise.all(ladders);
}

export function newWord(): string {
  return `kodama-idle-${randomBytes(16).toString('hex')}\n`;
}

function clientsSpeak(
  silencesMs: readonly number[],
  options: LadderOptions,
): Promise<readonly Rung[]> {
  const ask = async (probe: Probe, silenceMs: number, signal: AbortSignal): Promise<Broken> => {
    const leftMs = probe.quietSince + silenceMs - performance.now();
    await delay(Math.max(0, leftMs), undefined, { signal });
    return { at: performance.now(), said: Promise.resolve(), heard: probe.ask(newWord()) };
  };
  const rungs = silencesMs.map((silenceMs) => climbRung('client', { silenceMs }, ask, options));
  return Promise.all(rungs);
}

/** One word for all of them at the same time. */
async function serverSpeaks(
  silencesMs: readonly number[],
  speakAfterMs: number,
  options: LadderOptions,
): Promise<readonly Rung[]> {
  const word = newWord();
  const stop = new AbortController();
  const speech = delay(speakAfterMs, undefined, { signal: stop.signal }).then(() => {
    const said = options.speak(word);
    // Each rung that waits for it hears of its failure.
    said.catch(() => undefined);
    return { at: performance.now(), said };
  });
  // It is stopped when no rung waits for it any more.
  speech.catch(() => undefined);
  const listen = async (probe: Probe): Promise<Broken> => {
    const heard = probe.hear(word);
    return { ...(await speech), heard };
  };
  try {
    const rungs = silencesMs.map((silenceMs) =>
      climbRung('server', { silenceMs, openAfterMs: speakAfterMs - silenceMs }, listen, options),
    );
    return await Promise.all(rungs);
  } finally {
    stop.abort();
  }
}

interface RungPlan {
  readonly silenceMs: number;
  readonly openAfterMs?: number;
}

type Break = (probe: Probe, silenceMs: number, signal: AbortSignal) => Promise<Broken>;

async function climbRung(
  direction: Direction,
  plan: RungPlan,
  breakSilence: Break,
  options: LadderOptions,
): Promise<Rung> {
  const { signal, voided, onRung } = options;
  const stop = new AbortController();
  const anyStop = AbortSignal.any([signal, voided, stop.signal]);
  let rung: Rung;
  try {
    rung = await attempt(plan, breakSilence, options.open, anyStop);
  } catch (error) {
    if (!voided.aborted || signal.aborted) throw error;
    rung = untried(plan, 'unfinished');
  } finally {
    stop.abort();
  }
  onRung(direction, rung);
  return rung;
}

function untried({ silenceMs }: RungPlan, client: ClientWord): Rung {
  return { silenceMs, client, connectionId: null, isBroken: false, isUnsure: false };
}

async function attempt(
  plan: RungPlan,
  breakSilence: Break,
  open: () => Promise<Probe>,
  signal: AbortSignal,
): Promise<Rung> {
  const { silenceMs, openAfterMs = 0 } = plan;
  if (openAfterMs > 0) await delay(openAfterMs, undefined, { signal });
  let probe: Probe;
  try {
    probe = await open();
  } catch (error) {
    if (error instanceof ProbeFailure) return untried(plan, 'unopened');
    throw error;
  }
  const { connectionId } = probe.greeting;
  const broken = await Promise.race([probe.ended, breakSilence(probe, silenceMs, signal)]);
  if (typeof broken === 'string') {
    return { ...untried(plan, broken), connectionId };
  }
  await broken.said;
  const saidAt = performance.now();
  const heard = await within(Promise.race([broken.heard, probe.ended]), answerMs, signal);
  const client = clientWord(heard);
  if (client === 'alive') probe.close();
  const keptMs =
    client === 'alive'
      ? Math.floor(broken.at - probe.quietSince)
      : Math.ceil(saidAt - probe.openedAt);
  return {
    silenceMs: keptMs,
    client,
    connectionId,
    isBroken: true,
    isUnsure: client === 'alive' && probe.tries > 1,
  };
}

function clientWord(heard: Heard | End | undefined): ClientWord {
  if (heard === 'echo') return 'alive';
  if (heard === 'rst') return 'rst_on_next';
  return heard ?? 'silent';
}
