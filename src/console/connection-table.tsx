/** The table of connections: a row is a link to its panel, and each cell can become the filter. */
import { useState } from 'preact/hooks';
import type { ConnectionView, EventView } from '../http/resources.ts';
import type { ConnectionFilter } from './connection-filter.ts';
import type { Row } from './connection-rows.ts';
import { useConsole } from './console-context.ts';
import { addressText, raddrText } from './facts.ts';
import { listenerName } from './listener-text.ts';
import { clockText } from './spans.ts';
import { useFocusOf } from './use-rows.ts';
import { type RowAttributes, VirtualRows } from './virtual-rows.tsx';

export interface ConnectionTableProps {
  readonly rows: readonly Row[];
  /** Whether they are all of one listener: a column for it would say the same in each row. */
  readonly isOfOneListener: boolean;
  readonly selectedId: string | null;
  readonly onScroll: (isAtTop: boolean) => void;
  readonly onEnd: () => void;
}

const columns = [
  'accepted',
  'proto',
  'listener',
  'laddr',
  'raddr',
  'declared',
  'pid',
  'fd',
  'bytes',
  'state',
] as const;
const rowHeight = 30;

export function ConnectionTable(props: ConnectionTableProps) {
  const { rows, isOfOneListener, selectedId, onScroll, onEnd } = props;
  const { words } = useConsole();
  const [focusedKey, setFocusedKey] = useState<string | null>(null);
  const isShown = (column: string) => column !== 'listener' || !isOfOneListener;
  const day = (rows[0] === undefined ? '' : timeOf(rows[0])).slice(0, 10);
  return (
    <VirtualRows
      label={words.connections.title}
      count={rows.length}
      rowHeight={rowHeight}
      keyOf={(index) => rows[index]?.key ?? `${index}`}
      {...{ onScroll, onEnd }}
      head={
        <tr>
          {columns.filter(isShown).map((column) => (
            <th key={column} scope="col" class={`of-${column}`}>
              {words.connections.columns[column]}
              {column === 'accepted' && <span class="where-wide"> UTC</span>}
            </th>
          ))}
        </tr>
      }
      row={(index, attributes, isFirst) => {
        const row = rows[index];
        if (row === undefined) return <tr {...attributes} />;
        if (row.kind === 'refusal')
          return <RefusalRow {...{ attributes, day, isOfOneListener }} event={row.event} />;
        const isTabStop = isFirst || row.key === focusedKey;
        return (
          <ConnectionRow
            {...{ attributes, day, isOfOneListener, isTabStop }}
            connection={row.connection}
            isSelected={row.key === selectedId}
            onFocus={() => setFocusedKey(row.key)}
          />
        );
      }}
    />
  );
}

function timeOf(row: Row): string {
  return row.kind === 'connection' ? row.connection.acceptedAt : row.event.time;
}

interface RowProps {
  readonly attributes: RowAttributes;
  readonly day: string;
  readonly isOfOneListener: boolean;
}

interface ConnectionRowProps extends RowProps {
  readonly connection: ConnectionView;
  readonly isTabStop: boolean;
  readonly isSelected: boolean;
  readonly onFocus: () => void;
}

function ConnectionRow(props: ConnectionRowProps) {
  const { connection, attributes, day, isOfOneListener, isTabStop, isSelected, onFocus } = props;
  const { router, words } = useConsole();
  const { isPointedAt, pointed } = usePointed();
  const link = useFocusOf(connection.id);
  const { id, acceptedAt, protocol, laddr, raddr, declaredRaddr, pid, fd } = connection;
  const { listenerId, listenerName: name } = connection;
  const isOther = declaredRaddr !== null && raddrText(connection) !== addressText(declaredRaddr);
  const bytes = `${words.count(connection.bytesIn)} / ${words.count(connection.bytesOut)}`;
  const pair = raddr && { raddr: raddr.ip, lport: String(laddr.port) };
  return (
    <tr
      {...attributes}
      {...pointed}
      class={connection.state}
      aria-current={isSelected ? 'true' : undefined}
    >
      <td class="of-accepted">
        <a
          ref={link}
          class="number"
          href={hrefWithQuery(router, `/connections/${id}`)}
          data-row={id}
          tabIndex={isTabStop ? 0 : -1}
          title={acceptedAt}
          onFocus={onFocus}
        >
          {clockText(acceptedAt, day)}
        </a>
      </td>
      <td class="of-proto">
        {protocol} {isPointedAt && <CellFilter filter={{ protocol }} />}
      </td>
      {!isOfOneListener && <ListenerCell {...{ isPointedAt, name }} id={listenerId} />}
      <td class="of-laddr mono" title={addressText(laddr)}>
        {addressText(laddr)} {isPointedAt && <CellFilter filter={{ lport: String(laddr.port) }} />}
      </td>
      <td class="of-raddr mono" title={raddrText(connection)}>
        {raddrText(connection)}
        {isPointedAt && raddr !== null && <CellFilter filter={{ raddr: raddr.ip }} />}
        {isPointedAt && pair && (
          <CellFilter filter={pair} mark="⇄" label={words.connections.panel.onlyPair} />
        )}
      </td>
      <td
        class="of-declared mono"
        title={declaredRaddr === null ? undefined : addressText(declaredRaddr)}
      >
        {/* First, since a long address is cut off at its end. */}
        {isOther && <span title={words.connections.differs}>≠ </span>}
        {declaredRaddr === null ? <span class="faint">–</span> : addressText(declaredRaddr)}
        {isPointedAt && declaredRaddr !== null && (
          <CellFilter filter={{ declaredRaddr: declaredRaddr.ip }} />
        )}
      </td>
      <td class="of-pid number">{pid}</td>
      <td class="of-fd number">{fd}</td>
      <td class="of-bytes number" title={bytes}>
        {bytes}
      </td>
      <td class="of-state">
        <ConnectionState connection={connection} />{' '}
        {isPointedAt && <CellFilter filter={stateFilter(connection)} />}
      </td>
    </tr>
  );
}

interface ListenerCellProps {
  readonly id: string;
  readonly name: string | null;
  readonly isPointedAt: boolean;
}

/** The name was that of the listener when it was told, and another's since, maybe; its id is none but its own. */
function ListenerCell({ id, name, isPointedAt }: ListenerCellProps) {
  return (
    <td class="of-listener" title={name ?? id}>
      {listenerName({ id, name })} {isPointedAt && <CellFilter filter={{ listener: name ?? id }} />}
    </td>
  );
}

/**
 * Whether the pointer is in the row. What only a pointer reaches is in no other row: thirty rows of five buttons each would
 * cost a flood more than all that the rows tell.
 */
function usePointed() {
  const [isPointedAt, setPointedAt] = useState(false);
  const pointed = {
    onMouseEnter: () => setPointedAt(true),
    onMouseLeave: () => setPointedAt(false),
  };
  return { isPointedAt, pointed };
}

function stateFilter({ state, closeReason }: ConnectionView): ConnectionFilter {
  return closeReason === null ? { state } : { closeReason };
}

/** The same page with the same filters, at another path. */
export function hrefWithQuery(
  { query }: { readonly query: { readonly value: URLSearchParams } },
  path: string,
): string {
  const text = query.value.toString();
  return text === '' ? path : `${path}?${text}`;
}

const resets: ReadonlySet<string | null> = new Set(['peer_rst', 'operator_rst']);

/** Shape and word first, colour second. */
export function ConnectionState({ connection }: { readonly connection: ConnectionView }) {
  const { words } = useConsole();
  const { state, closeReason } = connection;
  const { open, half } = words.connections;
  const [mark, word, kind] =
    state === 'open'
      ? ['●', open, 'open']
      : state === 'half_closed'
        ? ['◐', half, 'half']
        : [resets.has(closeReason) ? '✕' : '○', closeReason ?? state, 'over'];
  return (
    <span class={`state ${kind}`}>
      <span aria-hidden="true">{mark}</span> {word}
    </span>
  );
}

function RefusalRow(props: RowProps & { readonly event: EventView }) {
  const { event, attributes, day, isOfOneListener } = props;
  const { words } = useConsole();
  const { isPointedAt, pointed } = usePointed();
  const { refusal, listenerId = '' } = event;
  if (refusal === undefined) return <tr {...attributes} />;
  const { listenerName: name, protocol, laddr, raddr, rule, count } = refusal;
  return (
    <tr {...attributes} {...pointed} class="refused">
      <td class="of-accepted number" title={event.time}>
        <span>{clockText(event.time, day)}</span>
      </td>
      <td class="of-proto">{protocol}</td>
      {!isOfOneListener && <ListenerCell {...{ isPointedAt, name }} id={listenerId} />}
      <td class="of-laddr mono">{addressText(laddr)}</td>
      <td class="of-raddr mono">
        {raddr === null ? '?' : addressText(raddr)}
        {isPointedAt && raddr !== null && <CellFilter filter={{ raddr: raddr.ip }} />}
      </td>
      {(['declared', 'pid', 'fd', 'bytes'] as const).map((column) => (
        <td key={column} class={`of-${column} faint`}>
          –
        </td>
      ))}
      <td class="of-state">
        <span class="state" title={words.connections.refused(rule, count)}>
          <span aria-hidden="true">⊘</span> {words.connections.refused(rule, count)}
        </span>
      </td>
    </tr>
  );
}

interface CellFilterProps {
  readonly filter: ConnectionFilter;
  readonly mark?: string;
  readonly label?: string;
}

/** The panel has the same for who has no pointer. */
function CellFilter({ filter, mark = '+', label }: CellFilterProps) {
  const { router, words } = useConsole();
  const text = Object.entries(filter).map(([name, value]) => `${name}:${value}`);
  const title = label ?? words.connections.filterOn(text.join(' '));
  return (
    <button
      type="button"
      class="cell-filter"
      tabIndex={-1}
      title={title}
      aria-label={title}
      onClick={() => router.change(filter)}
    >
      {mark}
    </button>
  );
}
