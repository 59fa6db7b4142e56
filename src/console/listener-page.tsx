/** One listener: its faults, its limits, how its connections ended lately, and how a CI run asserts on it. */
import type { ListenerView } from '../http/resources.ts';
import { plainText } from '../plain-text.ts';
import { connectLines } from './connect-lines.ts';
import { useConsole } from './console-context.ts';
import { CommandLine } from './copy-button.tsx';
import { EndButton } from './end-button.tsx';
import { FaultEditor } from './fault-editor.tsx';
import { AllListeners, ListenerState } from './listener-line.tsx';
import { listenerName, whereText } from './listener-text.ts';
import { problemText } from './problem-text.ts';
import { recentEnds, waitLine } from './recent-ends.ts';
import { useLastingListener } from './use-listener.ts';
import { useTitle } from './use-title.ts';

export interface ListenerPageProps {
  /** Its name or its id. */
  readonly listenerKey: string;
}

export function ListenerPage({ listenerKey }: ListenerPageProps) {
  const { playhead, router, words } = useConsole();
  const { listener, problem } = useLastingListener(listenerKey);
  useTitle([listener ? listenerName(listener) : plainText(listenerKey), words.live.listeners]);
  if (!listener)
    return (
      <section class="page" aria-busy={listener === undefined && problem === null}>
        <h1>{words.listener.title(plainText(listenerKey))}</h1>
        {problem !== null && <p class="bad">{problemText(problem, words)}</p>}
        {listener === null && (
          <p>
            {words.listener.lost} <a href={router.href('/')}>{words.problem.toLive}</a>
          </p>
        )}
      </section>
    );
  const isOver = listener.state === 'closed' || listener.state === 'draining';
  return (
    <section class="page listener-page">
      <Head listener={listener} isOver={isOver} />
      {/* At a seq of the past, or of another one of its name, the faults are others; a pause takes nobody's draft away. */}
      <FaultEditor
        key={`${listener.id} ${playhead.moment.value.kind === 'past' ? 'then' : 'now'}`}
        listener={listener}
        isOver={isOver}
      />
      <div class="halves">
        <Limits listener={listener} />
        <Recent listener={listener} />
      </div>
    </section>
  );
}

interface OfListener {
  readonly listener: ListenerView;
}

function Head({ listener, isOver }: OfListener & { readonly isOver: boolean }) {
  const { router, words } = useConsole();
  const key = listener.name ?? listener.id;
  const labels = Object.entries(listener.labels).map(([name, value]) => `${name}=${value}`);
  const lines = isOver ? [] : connectLines(listener, location.hostname).slice(0, 2);
  const { mode, recording, proxyProtocol, expiresAt, closedAt } = listener;
  const end = closedAt ?? expiresAt;
  const ends = closedAt === null ? words.listener.expires : words.listener.closed;
  const facts = [
    ...(mode === 'echo' ? [] : [mode]),
    ...(recording === 'durable' ? [recording] : []),
    ...(proxyProtocol.mode === 'off' ? [] : [`PROXY ${proxyProtocol.mode}`]),
    ...labels.map(plainText),
    ...(end === null ? [] : [`${ends} ${end.slice(0, 19)}Z`]),
  ];
  return (
    <>
      <header class="listener-line">
        <AllListeners />
        <h1>{listenerName(listener)}</h1>
        <span class="mono">{whereText(listener)}</span>
        <ListenerState listener={listener} />
        {listener.reason !== null && <span class="bad">{listener.reason.message}</span>}
        <span class="soft">{facts.join(' · ')}</span>
        <span class="line-actions">
          <a class="button" href={router.href('/connections', { listener: key })}>
            {words.listener.connections}
          </a>
          {closedAt === null && (
            <a class="button" href={router.href('/', { listener: key })}>
              {words.live.picture}
            </a>
          )}
          {closedAt === null && <EndButton listener={listener} />}
        </span>
      </header>
      {lines.length > 0 && (
        <div class="commands">
          {lines.map(({ text }) => (
            <CommandLine key={text} text={text} />
          ))}
        </div>
      )}
    </>
  );
}

function Limits({ listener }: OfListener) {
  const { words } = useConsole();
  return (
    <section class="panel">
      <h2>{words.listener.limits}</h2>
      <dl class="record">
        {Object.entries(listener.limits).map(([name, value]) => [
          <dt key={name} class="mono">
            {name}
          </dt>,
          <dd key={`${name} value`} class="number">
            {limitText(value, words.count) ?? <span class="faint">{words.listener.noLimit}</span>}
          </dd>,
        ])}
      </dl>
    </section>
  );
}

function limitText(
  value: ListenerView['limits'][keyof ListenerView['limits']],
  count: (value: number) => string,
): string | null {
  if (typeof value === 'number') return count(value);
  if (value === null) return null;
  if ('perSecond' in value) return `${count(value.perSecond)}/s, ${count(value.burst)}`;
  return value.length === 0 ? null : value.join(', ');
}

function Recent({ listener }: OfListener) {
  const { log, router, state, words } = useConsole();
  const { timeline } = log;
  const recent = recentEnds(timeline.events, listener.id, state.value.seq);
  const { opened, openedCount, reasons, refusedCount } = recent;
  const most = Math.max(1, ...opened);
  const key = listener.name ?? listener.id;
  return (
    <div class="stacked">
      <section class="panel">
        <h2>{words.listener.recent}</h2>
        <p>
          <span class="bars" aria-hidden="true">
            {opened.map((times, minute) => (
              <span key={minute} style={{ height: `${(times / most) * 100}%` }} />
            ))}
          </span>{' '}
          {words.listener.opened(openedCount)}
          {refusedCount > 0 && ` · ${words.listener.refused(refusedCount)}`}
        </p>
        {reasons.length === 0 && <p class="soft">{words.listener.noEnds}</p>}
        <ul class="reasons">
          {reasons.map(([closeReason, times]) => (
            <li key={closeReason}>
              <a href={router.href('/connections', { listener: key, closeReason })}>
                {closeReason}
              </a>{' '}
              <span class="number">{words.count(times)}</span>
            </li>
          ))}
        </ul>
        {timeline.firstSeq > 1 && <p class="soft">{words.listener.since(timeline.firstSeq)}</p>}
      </section>
      <section class="panel">
        <h2>{words.listener.assert}</h2>
        <CommandLine
          text={waitLine(key, recent, location.origin, router.query.value.get('project'))}
        />
      </section>
    </div>
  );
}
