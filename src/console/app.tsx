/** The frame of every page: header, page, time bar, and the dialogs that may come over it. */
import { useEffect } from 'preact/hooks';
import { ActivityLine } from './activity-line.tsx';
import { useConsole } from './console-context.ts';
import { Header } from './header.tsx';
import { KeysDialog } from './keys-dialog.tsx';
import { LaterPart } from './later-part.tsx';
import { LivePage } from './live-page.tsx';
import { LostProject } from './lost-project.tsx';
import { Notices } from './notices.tsx';
import { SignIn } from './sign-in.tsx';
import { TimeBar } from './time-bar.tsx';
import { useKeys } from './use-keys.ts';

export function App() {
  const { api, caller, isSecretShown, log, playhead, router, words } = useConsole();
  const isLost = log.isProjectLost.value;
  useKeys({
    ' ': () => playhead.togglePause(),
    '[': () => playhead.step(-1),
    ']': () => playhead.step(1),
    l: () => playhead.goLive(),
    1: () => router.go(router.href('/')),
    2: () => router.go(router.href('/connections')),
    // As in the header, what the key may not see is not gone to.
    3: () => caller.lacks('nodes:read') || router.go(router.href('/nodes')),
    4: () => caller.lacks('keys:read') || router.go(router.href('/keys')),
  });
  usePlaceInUrl();
  return (
    <>
      <a class="skip" href="#content">
        {words.header.skip}
      </a>
      <Header />
      <Notices />
      <main id="content" tabIndex={-1}>
        {isLost ? <LostProject /> : <CurrentPage />}
      </main>
      {!isLost && <TimeBar />}
      <ActivityLine />
      <KeysDialog />
      {api.isKeyWanted.value && !isSecretShown.value && <SignIn />}
    </>
  );
}

function CurrentPage() {
  const { router, words } = useConsole();
  const page = router.page.value;
  switch (page?.name) {
    case 'live':
      return <LivePage />;
    case 'connections':
      return <LaterPart load={loadConnectionsPage} selectedId={null} />;
    case 'connection':
      return <LaterPart load={loadConnectionsPage} selectedId={page.id} />;
    case 'listeners':
      return <LaterPart load={loadListenersPage} />;
    case 'listener':
      return <LaterPart key={page.key} load={loadListenerPage} listenerKey={page.key} />;
    case 'nodes':
      return <LaterPart load={loadNodesPage} />;
    case 'keys':
      return <LaterPart load={loadKeysPage} />;
    case undefined:
      return (
        <section class="page">
          <h1>{words.problem.lost}</h1>
          <a href={router.href('/')}>{words.problem.toLive}</a>
        </section>
      );
  }
}

async function loadConnectionsPage() {
  return (await import('./connections-page.tsx')).ConnectionsPage;
}

async function loadKeysPage() {
  return (await import('./keys-page.tsx')).KeysPage;
}

async function loadNodesPage() {
  return (await import('./nodes-page.tsx')).NodesPage;
}

async function loadListenersPage() {
  return (await import('./listeners-page.tsx')).ListenersPage;
}

async function loadListenerPage() {
  return (await import('./listener-page.tsx')).ListenerPage;
}

const urlDelayMs = 250;

/** The seq of the page stands in its URL. Browsers bound how often it may change, so it follows a drag with a delay. */
function usePlaceInUrl(): void {
  const { playhead, router } = useConsole();
  const moment = playhead.moment.value;
  useEffect(() => {
    const at = moment.kind === 'past' ? moment.seq : null;
    const timer = setTimeout(() => router.change({ at }), urlDelayMs);
    return () => clearTimeout(timer);
  }, [router, moment]);
}
