/** All that is on record of one connection, and what can be done with it. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ConnectionView } from '../http/resources.ts';
import { plainText } from '../plain-text.ts';
import { CallFailure } from './api.ts';
import { type CourseStep, courseOf, longestSilenceMs } from './connection-course.ts';
import type { ConnectionFilter } from './connection-filter.ts';
import { type Neighbours, useConnectionRecord, useNeighbours } from './connection-record.ts';
import { ConnectionState, hrefWithQuery } from './connection-table.tsx';
import { useConsole } from './console-context.ts';
import { CopyButton } from './copy-button.tsx';
import { addressText, raddrText } from './facts.ts';
import { listenerName as nameOf } from './listener-text.ts';
import { problemText } from './problem-text.ts';
import { rateText, spanMs, spanText } from './spans.ts';
import { useCurl } from './use-curl.ts';
import { useHindrance } from './use-hindrance.ts';
import { useTitle } from './use-title.ts';

export interface ConnectionPanelProps {
  readonly id: string;
  readonly onClose: () => void;
}

export function ConnectionPanel({ id, onClose }: ConnectionPanelProps) {
  const { words } = useConsole();
  const { panel } = words.connections;
  const { connection, events, problem, again } = useConnectionRecord(id);
  const neighbours = useNeighbours(connection);
  const name = connection
    ? `${raddrText(connection)} → ${addressText(connection.laddr)}`
    : plainText(id);
  useTitle([name, words.connections.title]);
  const why = problem && (problem.code === 'not_found' ? panel.lost : problemText(problem, words));
  return (
    <aside class="panel connection-panel" aria-busy={connection === undefined && problem === null}>
      <header>
        <h2 class="mono">{name}</h2>
        <button type="button" class="quiet" aria-label={panel.close} onClick={onClose}>
          ×
        </button>
      </header>
      {why !== null && (
        <p class="bad" role="alert">
          {why}
        </p>
      )}
      {connection && (
        <>
          <p>
            <ConnectionState connection={connection} />{' '}
            <span class="soft">{panel.by[connection.closeInitiator ?? '']}</span>
          </p>
          <Addresses connection={connection} />
          <Identity connection={connection} />
          <Course steps={courseOf(connection, events)} />
          <Counters connection={connection} />
          <Actions connection={connection} onDone={again} />
          <Pair connection={connection} neighbours={neighbours} />
        </>
      )}
    </aside>
  );
}

interface OfConnection {
  readonly connection: ConnectionView;
}

function Addresses({ connection }: OfConnection) {
  const { words } = useConsole();
  const { panel } = words.connections;
  const { raddr, declaredRaddr } = connection;
  return (
    <dl class="record">
      <dt>raddr</dt>
      <dd>
        <span class="mono">{raddrText(connection)}</span> <span class="faint">{panel.real}</span>{' '}
        {raddr !== null && <FilterButton filter={{ raddr: raddr.ip }} />}
      </dd>
      {declaredRaddr !== null && (
        <>
          <dt>{words.connections.columns.declared}</dt>
          <dd>
            <span class="mono">{addressText(declaredRaddr)}</span>{' '}
            <span class="faint">{panel.declared}</span>{' '}
            <FilterButton filter={{ declaredRaddr: declaredRaddr.ip }} />
          </dd>
        </>
      )}
    </dl>
  );
}

function Identity({ connection }: OfConnection) {
  const { log, router, words } = useConsole();
  const { panel } = words.connections;
  const { pid, fd, nodeId, tls, error, listenerId, listenerName } = connection;
  const status = log.status.value;
  // Its workers a kodama tells to operators alone, and never those of another node.
  const workers = status?.nodeId === nodeId ? status.workers : undefined;
  const worker = workers?.findIndex((one) => one.pid === pid) ?? -1;
  const listener = listenerName ?? listenerId;
  const tlsText = tls && [tls.version, tls.cipher, tls.sni, tls.alpn].flatMap((one) => one ?? []);
  const rows: readonly (readonly [string, ComponentChildren])[] = [
    [
      panel.listener,
      <span key="listener">
        <a href={router.href(`/listeners/${listener}`)}>
          {nameOf({ name: listenerName, id: listenerId })}
        </a>{' '}
        <FilterButton filter={{ listener }} />
      </span>,
    ],
    ['pid', pid],
    ['fd', fd],
    ...(workers === undefined
      ? []
      : [[panel.worker, worker < 0 ? panel.workerGone : worker + 1] as const]),
    [panel.node, nodeId],
    [panel.tls, tlsText === null ? '–' : plainText(tlsText.join(' · '))],
    ...(error === null ? [] : [[panel.error, error] as const]),
  ];
  return (
    <dl class="record">
      {rows.map(([name, value]) => [
        <dt key={name}>{name}</dt>,
        <dd key={`${name} value`} class="number">
          {value}
        </dd>,
      ])}
    </dl>
  );
}

const marks = { accepted: '●', firstByte: '●', lastByte: '●', fin: '◐', closed: '○' } as const;

function Course({ steps }: { readonly steps: readonly CourseStep[] }) {
  const { playhead, words } = useConsole();
  const { panel } = words.connections;
  return (
    <section>
      <h3>{panel.timeline}</h3>
      <ol class="course">
        {steps.map(({ name, time, afterMs, seq }) => (
          <li key={name}>
            <span class="mark-of-step" aria-hidden="true">
              {marks[name]}
            </span>
            <span>{panel[name]}</span>
            <time class="number" dateTime={time} title={time}>
              {afterMs === 0 ? time.slice(11, 26) : `+${spanText(afterMs)}`}
            </time>
            {seq !== null && (
              <button type="button" class="quiet number" onClick={() => playhead.goTo(seq)}>
                #{words.count(seq)}
              </button>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Counters({ connection }: OfConnection) {
  const { state, words } = useConsole();
  const { panel } = words.connections;
  const { bytesIn, bytesOut, acceptedAt, closedAt, lastByteAt } = connection;
  // The browser has a clock of its own: how late it is at the server is told by the log.
  const told = [state.value.event?.time, lastByteAt, acceptedAt].flatMap((time) => time ?? []);
  const until = closedAt ?? told.toSorted().at(-1) ?? acceptedAt;
  const silence = longestSilenceMs(connection, until);
  return (
    <p title={words.timeBar.counters}>
      <span class="number">{panel.inAndOut(bytesIn, bytesOut)}</span>
      <br />
      <span class="soft">
        {panel.rate(rateText(bytesIn + bytesOut, spanMs(acceptedAt, until)))} ·{' '}
        {panel.silence(spanText(silence))}
      </span>
    </p>
  );
}

function Actions({ connection, onDone }: OfConnection & { readonly onDone: () => void }) {
  const { api, words } = useConsole();
  const { panel } = words.connections;
  const curl = useCurl();
  const [problem, setProblem] = useState<string | null>(null);
  const why = useHindrance('connections:write');
  const isOver = connection.state === 'closed';
  const path = `/v1/connections/${connection.id}`;
  const close = async (mode: 'fin' | 'rst') => {
    try {
      await api.call('POST', `${path}:close`, { body: { mode } });
      setProblem(null);
      onDone();
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      setProblem(error.problem.detail);
    }
  };
  return (
    <>
      <p class="panel-actions">
        {!isOver &&
          (['fin', 'rst'] as const).map((mode) => (
            <button
              key={mode}
              type="button"
              class="danger"
              disabled={why !== null}
              title={why ?? undefined}
              onClick={() => close(mode)}
            >
              {mode === 'fin' ? panel.closeFin : panel.closeRst}
            </button>
          ))}
        <CopyButton text={JSON.stringify(connection, null, 2)} label={panel.copyJson} />
        <CopyButton text={curl('GET', path)} label={words.connections.copyCurl} />
      </p>
      {!isOver && why !== null && <p class="soft">{why}</p>}
      {problem !== null && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
    </>
  );
}

function Pair({ connection, neighbours }: OfConnection & { readonly neighbours: Neighbours }) {
  const { router, words } = useConsole();
  const { panel } = words.connections;
  const { raddr, laddr } = connection;
  if (raddr === null) return null;
  const links = [
    ['◀', panel.before, neighbours.before],
    ['▶', panel.next, neighbours.next],
  ] as const;
  return (
    <p class="panel-actions" title={panel.pairHint}>
      {links.map(
        ([mark, name, other]) =>
          other !== null && (
            <a
              key={name}
              class="button"
              href={hrefWithQuery(router, `/connections/${other.id}`)}
              title={other.acceptedAt}
            >
              {mark} {name}
            </a>
          ),
      )}
      <FilterButton
        filter={{ raddr: raddr.ip, lport: String(laddr.port) }}
        label={panel.onlyPair}
      />
    </p>
  );
}

interface FilterButtonProps {
  readonly filter: ConnectionFilter;
  readonly label?: string;
}

function FilterButton({ filter, label }: FilterButtonProps) {
  const { router, words } = useConsole();
  const text = Object.entries(filter).map(([name, value]) => `${name}:${value}`);
  return (
    <button
      type="button"
      class={label === undefined ? 'quiet small' : undefined}
      title={words.connections.filterOn(text.join(' '))}
      onClick={() => router.change(filter)}
    >
      {label ?? words.connections.filter} <span class="unseen">{text.join(' ')}</span>
    </button>
  );
}
