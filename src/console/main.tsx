/** The console: it starts here, in the browser. */
import { computed, effect, signal, untracked } from '@preact/signals';
import { render } from 'preact';
import { Api, keyOfFragment } from './api.ts';
import { App } from './app.tsx';
import { PageCaller } from './caller.ts';
import { type Console, ConsoleContext } from './console-context.ts';
import { Keyboard } from './keyboard.ts';
import { LiveLog } from './live-log.ts';
import { oldestSeqOf, PastWindow } from './past-window.ts';
import { type Moment, Playhead } from './playhead.ts';
import { Router } from './router.ts';
import { wordsFor } from './words.ts';

async function start(root: HTMLElement): Promise<void> {
  const given = takeKey();
  const words = await wordsFor(navigator.languages);
  document.documentElement.lang = words.language;
  const router = new Router(window);
  const project = computed(() => router.query.value.get('project'));
  const api = new Api({ storage: sessionStorage, project });
  if (given !== null) api.signIn(given);
  // A link of `kodama ui` may be opened where the page is there already: nothing is loaded then.
  addEventListener('hashchange', () => {
    const key = takeKey();
    if (key !== null) api.signIn(key);
  });
  const log = new LiveLog(api, project);
  const caller = new PageCaller({ api, project, status: log.status });
  const playhead = new Playhead({
    track: () => untracked(() => timeline.value),
    headSeq: () => untracked(() => log.timeline.headSeq),
    oldestSeq: () => oldestSeqOf(past.problem.peek()),
    onFrame: (callback) => {
      const id = requestAnimationFrame(callback);
      return () => cancelAnimationFrame(id);
    },
    start: momentOf(router.query.value.get('at')),
  });
  router.onReturn(() => playhead.returnTo(momentOf(router.query.value.get('at'))));
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

/** The key of the fragment, which stays in no history of the browser. */
function takeKey(): string | null {
  const key = keyOfFragment(location.hash);
  if (key !== null) history.replaceState(null, '', location.pathname + location.search);
  return key;
}

function momentOf(at: string | null): Moment {
  if (at === null || !/^\d{1,15}$/.test(at)) return { kind: 'live' };
  return { kind: 'past', seq: Number(at) };
}

const root = document.getElementById('console');
if (root === null) throw new TypeError('the page has no place for the console');
await start(root);
