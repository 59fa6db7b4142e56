/** The listeners beside each other: whose picture is drawn is chosen here. */
import { useState } from 'preact/hooks';
import type { ListenerView } from '../http/resources.ts';
import { useConsole } from './console-context.ts';
import { FindField } from './find-field.tsx';
import { ListenerState } from './listener-line.tsx';
import { listenersWith } from './listener-search.ts';
import { listenerName, whereText } from './listener-text.ts';
import { acceptedLastMinute } from './rates.ts';

export interface ListenerCardsProps {
  readonly listeners: readonly ListenerView[];
  readonly selectedId: string | null;
  readonly countOf: (listener: ListenerView) => number;
}

const shownMax = 12;

export function ListenerCards({ listeners, selectedId, countOf }: ListenerCardsProps) {
  const { log, playhead, router, timeline, words } = useConsole();
  const isLive = playhead.seq.value === null;
  const rates = isLive ? acceptedLastMinute(timeline.value.events) : null;
  const [text, setText] = useState('');
  const matching = listenersWith(listeners, text);
  const busiest = matching.toSorted((one, other) => countOf(other) - countOf(one));
  const isSelected = ({ id }: ListenerView) => id === selectedId;
  const shown = busiest.slice(0, shownMax);
  // The one that is drawn has a card, however busy others are.
  const selected = busiest.slice(shownMax).filter(isSelected);
  shown.splice(shownMax - selected.length, selected.length, ...selected);
  const left = matching.length - shown.length;
  return (
    <nav class="cards" aria-label={words.live.listeners}>
      {listeners.length > shownMax && (
        <FindField label={words.live.find} text={text} onText={setText} />
      )}
      <ul>
        {shown.map((listener) => (
          <li key={listener.id}>
            <a
              class="card"
              href={router.href('/', { listener: listener.name ?? listener.id })}
              aria-current={isSelected(listener) ? 'true' : undefined}
            >
              <strong title={listenerName(listener)}>{listenerName(listener)}</strong>
              <span class="mono">{whereText(listener)}</span>
              <span>
                <ListenerState listener={listener} />{' '}
                <span class="soft">
                  {words.live.openCount(countOf(listener))}
                  {rates !== null && ` · ${words.live.perMinute(rates.get(listener.id) ?? 0)}`}
                </span>
              </span>
            </a>
          </li>
        ))}
        {left > 0 && (
          <li>
            <a
              class="card more"
              href={router.href('/listeners', { find: text === '' ? null : text })}
            >
              {log.hasMoreListeners.value
                ? words.live.allListeners
                : words.live.moreListeners(left)}
            </a>
          </li>
        )}
      </ul>
    </nav>
  );
}
