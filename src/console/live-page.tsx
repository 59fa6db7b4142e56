/** The textbook's picture, of what is really running: first of nothing, then of one listener among its neighbours. */
import { useEffect, useState } from 'preact/hooks';
import type { ListenerView } from '../http/resources.ts';
import { plainText } from '../plain-text.ts';
import { BothEnds } from './both-ends.tsx';
import { ConnectPanel } from './connect-panel.tsx';
import { useConsole } from './console-context.ts';
import { EmptyState } from './empty-state.tsx';
import { FactList } from './fact-list.tsx';
import { findFacts } from './facts.ts';
import { ListenerCards } from './listener-cards.tsx';
import { ListenerLine } from './listener-line.tsx';
import { listenerName } from './listener-text.ts';
import { useLit } from './lit.ts';
import { LostListener } from './lost-listener.tsx';
import { Picture } from './picture.tsx';
import { lastClosedMax } from './standing-connections.ts';
import { useOpenCount } from './use-open-count.ts';
import { useTitle } from './use-title.ts';

export function LivePage() {
  const { log, playhead, router, state, words } = useConsole();
  const { listeners } = state.value;
  const countOf = useOpenCount();
  const wanted = router.query.value.get('listener');
  const listener = chosen(listeners, wanted, countOf);
  useTitle([listener ? listenerName(listener) : plainText(wanted ?? ''), words.pages.live]);
  if (listener === undefined && !log.isListed.value && playhead.seq.value === null)
    return <section class="page" aria-busy="true" />;
  const lost = listener === undefined && wanted !== null && <LostListener listenerKey={wanted} />;
  if (listeners.length === 0) return <EmptyState>{lost}</EmptyState>;
  return (
    <section class="page live">
      <h1 class="unseen">{words.live.title}</h1>
      {lost}
      {(lost || listeners.length > 1) && (
        <ListenerCards {...{ listeners, countOf }} selectedId={listener?.id ?? null} />
      )}
      {listener !== undefined && <Scene key={listener.id} listener={listener} />}
    </section>
  );
}

/** The one that the URL asks for, and no other; where it asks for none the busiest, of several the newest. */
function chosen(
  listeners: readonly ListenerView[],
  wanted: string | null,
  countOf: (listener: ListenerView) => number,
): ListenerView | undefined {
  if (wanted !== null) return listeners.findLast(({ id, name }) => [id, name].includes(wanted));
  return listeners.reduce<ListenerView | undefined>(
    (best, one) => (best === undefined || countOf(one) >= countOf(best) ? one : best),
    undefined,
  );
}

function Scene({ listener }: { readonly listener: ListenerView }) {
  const { playhead, router, state, words } = useConsole();
  const [lit, setLit] = useLit();
  const isLive = playhead.seq.value === null;
  const standing = state.value.connections.of(listener.id);
  const { open } = standing;
  const known = open.all.size;
  const closed = standing.lastClosed.slice(-lastClosedMax);
  const openCount = useOpenCount()(listener);
  const knownCount = openCount + standing.closedCount;
  const scene = { listener, open, closed, openCount };
  const isDrawn = useDrawn();
  const facts = isDrawn ? findFacts(scene) : [];
  const selectedId = router.query.value.get('connection');
  const selected = open.all.get(selectedId ?? '') ?? closed.find(({ id }) => id === selectedId);
  return (
    <>
      <ListenerLine listener={listener} {...{ openCount, knownCount }} />
      <div class="stage">
        <Picture
          {...scene}
          facts={facts}
          lit={lit}
          setLit={setLit}
          selectedId={selected?.id ?? null}
        />
        <aside class="beside">
          {selected !== undefined && <BothEnds connection={selected} />}
          {isDrawn && <FactList facts={facts} setLit={setLit} />}
        </aside>
      </div>
      {known < 3 && isLive && <ConnectPanel listener={listener} />}
      {openCount > known && <p class="soft">{words.live.notAll(known, openCount)}</p>}
    </>
  );
}

/** False in the first drawing: what is said of a picture is a task of its own, after the picture. */
function useDrawn(): boolean {
  const [isDrawn, setDrawn] = useState(false);
  useEffect(() => setDrawn(true), []);
  return isDrawn;
}
