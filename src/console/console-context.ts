/** What every part of the page has: the API, the log, where in it the page stands, its URL, and its words. */
import type { Signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Api } from './api.ts';
import type { PageCaller } from './caller.ts';
import type { Keyboard } from './keyboard.ts';
import type { LiveLog } from './live-log.ts';
import type { PastWindow } from './past-window.ts';
import type { Playhead } from './playhead.ts';
import type { Router } from './router.ts';
import type { LogState, Timeline } from './timeline.ts';
import type { Words } from './words-english.ts';

export interface Console {
  readonly api: Api;
  readonly caller: PageCaller;
  readonly log: LiveLog;
  readonly past: PastWindow;
  /** The window of the log that is drawn: the live one, or one of the past. Who reads it is drawn anew as it grows. */
  readonly timeline: { readonly value: Timeline };
  readonly playhead: Playhead;
  readonly router: Router;
  readonly keyboard: Keyboard;
  readonly words: Words;
  /** While it is so no key is asked for. */
  readonly isSecretShown: Signal<boolean>;
  /** What is drawn: the log at the playhead. Who reads it is drawn anew as the log grows. */
  readonly state: { readonly value: LogState };
}

export const ConsoleContext = createContext<Console | null>(null);

export function useConsole(): Console {
  const found = useContext(ConsoleContext);
  if (found === null) throw new TypeError('outside of the console');
  return found;
}
