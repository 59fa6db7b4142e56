/** The table of connections, live and past as one; beside it the one that is selected. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { plainText } from '../plain-text.ts';
import { urlOf } from './api.ts';
import { ConnectionFeed } from './connection-feed.ts';
import { filterOf } from './connection-filter.ts';
import { ConnectionPanel } from './connection-panel.tsx';
import { type ConnectionRows, type Row, rowsMax } from './connection-rows.ts';
import { ConnectionTable, hrefWithQuery } from './connection-table.tsx';
import { useConsole } from './console-context.ts';
import { CopyButton } from './copy-button.tsx';
import { everAccepted } from './ever-accepted.ts';
import { ExportButton } from './export-button.tsx';
import { FilterBar } from './filter-bar.tsx';
import { problemText } from './problem-text.ts';
import { useCurl } from './use-curl.ts';
import { useKeys } from './use-keys.ts';
import { useRowKeys } from './use-rows.ts';
import { useTitle } from './use-title.ts';

export interface ConnectionsPageProps {
  /** The connection whose panel is open. */
  readonly selectedId: string | null;
}

export function ConnectionsPage({ selectedId }: ConnectionsPageProps) {
  const { router, words } = useConsole();
  const feed = useFeed();
  // Until another filter has its first rows, those of the one before stay.
  const last = useRef<ConnectionFeed | null>(null);
  if (feed?.rows) last.current = feed;
  const shown = feed?.problem.value ? feed : last.current;
  const curl = useCurl();
  const { listener = '' } = filterOf(router.query.value);
  useTitle(selectedId === null ? [plainText(listener), words.connections.title] : null);
  const { frame, focus } = useRowKeys(selectedId);
  const close = () => {
    router.go(hrefWithQuery(router, '/connections'));
    focus(selectedId);
  };
  useKeys({ ...(selectedId !== null && { Escape: close }) });
  return (
    <section ref={frame} class={selectedId === null ? 'page table-page' : 'page table-page split'}>
      <h1>{words.connections.title}</h1>
      <FilterBar>
        <CopyButton
          text={curl('GET', urlOf('/v1/connections', filterOf(router.query.value)))}
          label={words.connections.copyCurl}
        />
        <ExportButton />
      </FilterBar>
      {feed?.problem.value && (
        <p class="bad" role="alert">
          {problemText(feed.problem.value, words)}
        </p>
      )}
      <div class="table-and-panel">
        {shown?.rows ? (
          <Rows feed={shown} rows={shown.rows} selectedId={selectedId} />
        ) : (
          !feed?.problem.value && <div class="panel" aria-busy="true" />
        )}
        {selectedId !== null && (
          <ConnectionPanel key={selectedId} id={selectedId} onClose={close} />
        )}
      </div>
    </section>
  );
}

/** Of the filter in the URL; a new one where that or the log is another. */
function useFeed(): ConnectionFeed | null {
  const { api, log, router } = useConsole();
  const { timeline } = log;
  const filter = filterOf(router.query.value);
  const key = JSON.stringify(filter);
  const [feed, setFeed] = useState<ConnectionFeed | null>(null);
  useEffect(() => {
    const made = new ConnectionFeed({ api, filter, timeline, onChange: () => log.draw() });
    setFeed(made);
    return () => made[Symbol.dispose]();
  }, [api, log, timeline, key]);
  return feed;
}

interface RowsProps {
  readonly feed: ConnectionFeed;
  readonly rows: ConnectionRows;
  readonly selectedId: string | null;
}

function Rows({ feed, rows, selectedId }: RowsProps) {
  const { log, playhead, router, state, timeline, words } = useConsole();
  // What follow() finds is in no property: it is looked for at each drawing.
  void log.drawing.value;
  const frame = useRef<HTMLDivElement>(null);
  /** Whoever scrolls back up again has not asked for a pause. */
  const isPausedByScroll = useRef(false);
  const isLive = playhead.moment.value.kind === 'live';
  const isFiltered = Object.keys(feed.filter).length > 0;
  const filtered = feed.filter.declaredRaddr === undefined ? '' : ' by-declared';
  rows.follow();
  const now = rows.live();
  const shown = isLive ? now : rows.at({ ...state.value, timeline: timeline.value });
  useLayoutEffect(() => {
    if (!isLive) return;
    isPausedByScroll.current = false;
    frame.current?.querySelector('.rows')?.scrollTo(0, 0);
  }, [isLive]);
  const onScroll = (isAtTop: boolean) => {
    const { kind: moment } = playhead.moment.value;
    if (moment === 'live' && !isAtTop) {
      isPausedByScroll.current = true;
      playhead.pause();
    } else if (moment === 'paused' && isAtTop && isPausedByScroll.current) playhead.goLive();
  };
  return (
    <div ref={frame} class={`panel table-panel${filtered}`}>
      <ConnectionTable
        {...{ selectedId, onScroll }}
        rows={shown}
        isOfOneListener={feed.filter.listener !== undefined}
        onEnd={() => void feed.more()}
      />
      {shown.length === 0 && (
        <p class="soft nothing">
          {isFiltered ? (
            words.connections.none
          ) : (
            <>
              {words.connections.noneAtAll} <a href={router.href('/')}>{words.connections.howTo}</a>
            </>
          )}
        </p>
      )}
      <Extent {...{ feed, rows, shown }} newer={isLive ? 0 : newerThan(now, shown)} />
    </div>
  );
}

function newerThan(now: readonly Row[], shown: readonly Row[]): number {
  const newest = shown[0]?.key ?? '';
  const at = now.findIndex(({ key }) => key <= newest);
  return at < 0 ? now.length : at;
}

interface ExtentProps {
  readonly feed: ConnectionFeed;
  readonly rows: ConnectionRows;
  readonly shown: readonly Row[];
  readonly newer: number;
}

/** What is shown of how much: nothing is left out unsaid. */
function Extent({ feed, rows, shown, newer }: ExtentProps) {
  const { log, playhead, state, words } = useConsole();
  const { connections } = words;
  const { firstSeq } = log.timeline;
  const count = shown.filter(({ kind }) => kind === 'connection').length;
  const isAll = !rows.isFull && !feed.hasMore;
  const isNow = playhead.seq.value === null;
  const ever = isAll || !isNow ? null : everAccepted(feed.filter, state.value.listeners);
  const isPaused = playhead.moment.value.kind === 'paused';
  return (
    <div class="extent soft">
      {newer > 0 && (
        <button type="button" onClick={() => playhead.goLive()}>
          ▲ {connections.newer(newer)}
        </button>
      )}
      {isPaused && <span>{connections.paused}</span>}
      <span class="extent-end">
        <strong class="number">
          {isAll ? connections.count(count) : connections.loaded(count, ever)}
        </strong>{' '}
        {rows.isFull
          ? connections.isFull(rowsMax)
          : isAll
            ? Object.keys(feed.filter).length > 0
              ? connections.isAllMatching
              : connections.isAll
            : connections.hasMore}{' '}
        {firstSeq > 1 && connections.since(firstSeq)}
      </span>
    </div>
  );
}
