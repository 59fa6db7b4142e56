/** The console: it starts here, in the browser. */
import { computed, effect, signal, untracked } from '@preact/signals';
import { render } from 'preact';
import { Api, keyOfFragment } from './api.ts';
import { App } from './app.tsx';
import { PageCaller } from './caller.ts';
import { type Console, ConsoleContext } from './console-context.ts';
import { Keyboard } from './keyboard.ts';
import { LiveLog } from './live-log.ts';
import { PastWindow } from './past-window.ts';
import { Playhead } from './playhead.ts';
import { Router } from './router.ts';
import { wordsFor } from './words.ts';

async function start(root: HTMLElement): Promise<void> {
  const given = keyOfFragment(location.hash);
  // The key stays in no history of the browser.
  if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
  const words = await wordsFor(navigator.languages);
  document.documentElement.lang = words.language;
  const router = new Router(window);
  const project = computed(() => router.query.value.get('project'));
  const api = new Api({ storage: sessionStorage, project });
  if (given !== null) api.signIn(given);
  const log = new LiveLog(api, project);
  const caller = new PageCaller({ api, project, status: log.status });
  const playhead = new Playhead({
    track: () => untracked(() => timeline.value),
    headSeq: () => untracked(() => log.timeline.headSeq),
    onFrame: (callback) => {
      const id = requestAnimationFrame(callback);
      return () => cancelAnimationFrame(id);
    },
    start: momentOf(router.query.value.get('at')),
  });
  const past = new PastWindow({ api, status: log.status });
  // No computed: a window that has grown is the same object, of which nobody would be told.
  const timeline = {
    get value() {
      return past.windowAt(playhead.seq.value, log.timeline);
    },
  };
  const state = computed(() => timeline.value.stateAt(playhead.seq.value));
  effect(() => {
    void past.prepare(playhead.seq.value, log.timeline);
  });
  const keyboard = new Keyboard(document, localStorage);
  const all: Console = {
    api,
    caller,
    log,
    past,
    timeline,
    playhead,
    router,
    keyboard,
    words,
    isSecretShown: signal(false),
    state,
  };
  // What has begun so far is a task, and the first drawing is another.
  await new Promise((resolve) => setTimeout(resolve));
  render(
    <ConsoleContext.Provider value={all}>
      <App />
    </ConsoleContext.Provider>,
    root,
  );
}

function momentOf(at: string | null) {
  if (at === null || !/^\d{1,15}$/.test(at)) return { kind: 'live' } as const;
  return { kind: 'past', seq: Number(at) } as const;
}

const root = document.getElementById('console');
if (root === null) throw new TypeError('the page has no place for the console');
await start(root);
