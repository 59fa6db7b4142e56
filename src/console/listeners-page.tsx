/** All listeners, found by any part of what is told of them: Live has room for the busiest alone. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ListenerView } from '../http/resources.ts';
import { plainText } from '../plain-text.ts';
import { type Api, CallFailure, type Problem, urlOf } from './api.ts';
import { useConsole } from './console-context.ts';
import { CopyButton } from './copy-button.tsx';
import { FindField } from './find-field.tsx';
import { ListenerState } from './listener-line.tsx';
import { byName, listenersWith } from './listener-search.ts';
import { listenerName, whereText } from './listener-text.ts';
import { problemText } from './problem-text.ts';
import { useCurl } from './use-curl.ts';
import { useOpenCount } from './use-open-count.ts';
import { useFocusOf, useRowKeys } from './use-rows.ts';
import { useTitle } from './use-title.ts';
import { type RowAttributes, VirtualRows } from './virtual-rows.tsx';

export function ListenersPage() {
  const { log, router, state, words } = useConsole();
  const said = words.live.all;
  const problem = useAllListeners();
  const { frame } = useRowKeys();
  const [text, setText] = useState(router.query.value.get('find') ?? '');
  const order = useMemo(() => byName(words.language), [words]);
  const { listeners } = state.value;
  const shown = listenersWith(listeners, text).sort(order);
  const curl = useCurl();
  useTitle([words.live.listeners]);
  return (
    <section ref={frame} class="page listeners-page">
      <div class="page-head">
        <h1>{words.live.listeners}</h1>
        <CopyButton
          text={curl('GET', urlOf('/v1/listeners', {}))}
          label={words.connections.copyCurl}
        />
      </div>
      <FindField
        label={words.live.find}
        text={text}
        onText={setText}
        onDone={(find) => router.change({ find: find === '' ? null : find })}
      />
      {problem !== null && (
        <p class="bad" role="alert">
          {problemText(problem, words)}
        </p>
      )}
      <div class="panel table-panel" aria-busy={!log.isListed.value}>
        <ListenerTable listeners={shown} />
        {shown.length === 0 && (
          <p class="soft nothing">{text === '' ? words.live.emptyTitle : said.none}</p>
        )}
        <p class="extent soft">
          <span class="extent-end">{said.count(shown.length, listeners.length)}</span>
        </p>
      </div>
    </section>
  );
}

interface ListenerPage {
  readonly listeners: readonly ListenerView[];
  readonly nextPageToken?: string;
}

/**
 * Has the log know those beyond the newest, which it reads by itself; why it can not, else null. What failed is read anew
 * once the status could be.
 */
function useAllListeners(): Problem | null {
  const { api, log } = useConsole();
  const { timeline } = log;
  const [problem, setProblem] = useState<Problem | null>(null);
  const reader = useRef<() => Promise<void>>(null);
  useEffect(() => {
    const end = new AbortController();
    reader.current = async () => {
      try {
        for await (const listeners of listenerPages(api, end.signal)) {
          timeline.knowListeners(listeners);
          log.draw();
        }
        setProblem(null);
      } catch (error) {
        if (end.signal.aborted) return;
        if (!(error instanceof CallFailure)) throw error;
        setProblem(error.problem);
      }
    };
    void reader.current();
    return () => end.abort();
  }, [api, log, timeline]);
  const status = log.status.value;
  useEffect(() => {
    if (problem !== null) void reader.current?.();
  }, [status]);
  return problem;
}

const pageSize = 1000;

async function* listenerPages(api: Api, signal: AbortSignal) {
  let pageToken: string | undefined;
  do {
    const page = await api.get<ListenerPage>('/v1/listeners', { pageSize, pageToken }, signal);
    yield page.listeners;
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}

const columns = ['listener', 'state', 'where', 'open', 'node', 'labels', 'picture'] as const;
const rowHeight = 30;

function ListenerTable({ listeners }: { readonly listeners: readonly ListenerView[] }) {
  const { words } = useConsole();
  const [focusedId, setFocusedId] = useState<string | null>(null);
  return (
    <VirtualRows
      label={words.live.listeners}
      count={listeners.length}
      rowHeight={rowHeight}
      keyOf={(index) => listeners[index]?.id ?? `${index}`}
      head={
        <tr>
          {columns.map((column) => (
            <th key={column} scope="col" class={`of-${column}`}>
              {words.live.all.columns[column]}
            </th>
          ))}
        </tr>
      }
      row={(index, attributes, isFirst) => {
        const listener = listeners[index];
        if (listener === undefined) return <tr {...attributes} />;
        return (
          <ListenerRow
            {...{ listener, attributes }}
            isTabStop={isFirst || listener.id === focusedId}
            onFocus={() => setFocusedId(listener.id)}
          />
        );
      }}
    />
  );
}

interface ListenerRowProps {
  readonly listener: ListenerView;
  readonly attributes: RowAttributes;
  readonly isTabStop: boolean;
  readonly onFocus: () => void;
}

function ListenerRow({ listener, attributes, isTabStop, onFocus }: ListenerRowProps) {
  const { router, words } = useConsole();
  const openCount = useOpenCount();
  const link = useFocusOf(listener.id);
  const key = listener.name ?? listener.id;
  const labels = Object.entries(listener.labels).map(([name, value]) => `${name}=${value}`);
  const labelsText = plainText(labels.join(' '));
  const tabIndex = isTabStop ? 0 : -1;
  return (
    <tr {...attributes}>
      <td class="of-listener" title={key}>
        <a
          ref={link}
          href={router.href(`/listeners/${key}`)}
          data-row={listener.id}
          {...{ tabIndex, onFocus }}
        >
          {listenerName(listener)}
        </a>
      </td>
      <td class="of-state">
        <ListenerState listener={listener} />
      </td>
      <td class="of-where mono" title={whereText(listener)}>
        {whereText(listener)}
      </td>
      <td class="of-open number">{words.count(openCount(listener))}</td>
      <td class="of-node" title={listener.nodeId}>
        {plainText(listener.nodeName)}
      </td>
      <td class="of-labels" title={labelsText}>
        {labelsText}
      </td>
      <td class="of-picture">
        <a class="beside-row" href={router.href('/', { listener: key })} tabIndex={tabIndex}>
          {words.live.picture}
          <span class="unseen"> {listenerName(listener)}</span>
        </a>
      </td>
    </tr>
  );
}
