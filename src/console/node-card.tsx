/** One node: how it is, in words; what it has; and what may be done with it. */
import { Fragment } from 'preact';
import { plainText } from '../plain-text.ts';
import { Refusal, useCall } from './call-form.tsx';
import { useConsole } from './console-context.ts';
import type { NodeAct } from './node-dialogs.tsx';
import { labelsText, lostAt, type NodeView } from './node-states.ts';
import type { NodesWords } from './nodes-words-english.ts';
import { dateText } from './spans.ts';

export interface NodeCardProps {
  readonly node: NodeView;
  readonly said: NodesWords;
  readonly read: () => void;
  readonly setAct: (act: NodeAct) => void;
}

export function NodeCard({ node, said, read, setAct }: NodeCardProps) {
  const name = plainText(node.name);
  const kind = node.isBuiltIn ? said.builtIn : node.shared ? said.shared : null;
  const facts = useFacts(node, said);
  return (
    <li class="panel card-of">
      <header>
        <h2 class="card-name">{name}</h2>
        <NodeState node={node} said={said} />
        {kind !== null && <span class="soft">{kind}</span>}
      </header>
      <About node={node} said={said} />
      <dl class="record">
        {facts.map(([title, value]) => (
          <Fragment key={title}>
            <dt>{title}</dt>
            <dd class="mono">{value}</dd>
          </Fragment>
        ))}
      </dl>
      <NodeActions {...{ node, name, said, read, setAct }} />
    </li>
  );
}

const marks: Readonly<Record<string, string>> = {
  ready: '●',
  disconnected: '◐',
  lost: '✕',
  quarantined: '✕',
};

/** Shape and word first, colour second. */
export function NodeState({ node, said }: Pick<NodeCardProps, 'node' | 'said'>) {
  const { state, cordoned } = node;
  return (
    <>
      <span class={`state node-${state}`}>
        <span aria-hidden="true">{marks[state] ?? '○'}</span> {said.state[state] ?? state}
      </span>
      {cordoned && (
        <span class="state half">
          <span aria-hidden="true">⊘</span> {said.cordoned}
        </span>
      )}
    </>
  );
}

/** What a state that wants somebody means. */
function About({ node, said }: Pick<NodeCardProps, 'node' | 'said'>) {
  const { meanings } = said;
  const until = lostAt(node);
  const sentences = [
    node.state === 'pending' && meanings.pending,
    until !== null && meanings.disconnected(dateText(until)),
    node.state === 'lost' && meanings.lost,
    node.cordoned && meanings.cordoned,
  ].filter((sentence) => sentence !== false);
  return sentences.length > 0 ? <p class="soft">{sentences.join(' ')}</p> : null;
}

/** A host's clock is told where it is off by as much as a reader would notice. */
const clockOffsetMsMin = 1000;

function useFacts(node: NodeView, said: NodesWords): readonly (readonly [string, string])[] {
  const { log, words } = useConsole();
  const { fields } = said;
  const { labels, listeners, openConnections, hostname, addresses, listenHost, portRange } = node;
  const { isBuiltIn, lastSeenAt, createdAt, spoolRecords, clockOffsetMs } = node;
  const status = log.status.value;
  // A built-in node is the program that answers, or one like it.
  const version = node.version ?? (node.id === status?.nodeId ? status.version : null);
  const host = [hostname ?? '', ...addresses].filter((part) => part !== '').map(plainText);
  const ports = portRange === null ? '' : said.ports(portRange.from, portRange.to);
  const listens = [listenHost ?? '', ports].filter((part) => part !== '');
  const isClockOff = clockOffsetMs !== null && Math.abs(clockOffsetMs) >= clockOffsetMsMin;
  const facts: readonly (readonly [string, string | null])[] = [
    [fields.labels, labelsText(labels) || said.noLabels],
    [fields.listeners, words.count(listeners)],
    [fields.openConnections, words.count(openConnections)],
    [fields.version, version],
    [fields.host, host.join(' ') || null],
    [fields.listens, listens.join(', ') || null],
    [
      fields.lastSeen,
      lastSeenAt === null ? (isBuiltIn ? null : said.notSeen) : dateText(lastSeenAt),
    ],
    [fields.joined, dateText(createdAt)],
    [fields.held, spoolRecords > 0 ? words.count(spoolRecords) : null],
    [fields.clock, isClockOff ? said.clockOff(Math.round(clockOffsetMs / 1000)) : null],
  ];
  return facts.flatMap(([title, value]) => (value === null ? [] : [[title, value] as const]));
}

function NodeActions({ node, name, said, read, setAct }: NodeCardProps & { name: string }) {
  const { caller } = useConsole();
  const { call, isBusy, refusal } = useCall<NodeView>(read);
  const { id, cordoned, isBuiltIn, shared, state } = node;
  const isOperators = isBuiltIn || shared;
  if (!caller.may('nodes:write') || (isOperators && !caller.may('operator'))) return null;
  const cordon = () => void call('PATCH', `/v1/nodes/${id}`, { cordoned: !cordoned });
  return (
    <>
      <Refusal problem={refusal} />
      <p class="panel-actions">
        <button type="button" disabled={isBusy} onClick={cordon}>
          {cordoned ? said.uncordon : said.cordon}
          <span class="unseen"> {name}</span>
        </button>
        {/* A built-in node goes with its process. */}
        {!(isBuiltIn && state === 'ready') && (
          <button type="button" class="danger" onClick={() => setAct({ kind: 'remove', node })}>
            {said.remove.open}
            <span class="unseen"> {name}</span>
          </button>
        )}
      </p>
    </>
  );
}
