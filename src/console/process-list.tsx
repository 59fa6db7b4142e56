/** Node by node the processes: the control plane, and the workers that it forked, each with the descriptors that are on record. */
import type { ListenerView } from '../http/resources.ts';
import { Badges } from './badges.tsx';
import { useConsole } from './console-context.ts';
import { addressText, raddrText } from './facts.ts';
import type { Lit } from './lit.ts';
import type { NodeName } from './node-names.ts';
import { type FdRow, type NodeBand, type ProcessBox, parentHeight } from './picture-boxes.ts';
import type { Picture } from './picture-layout.ts';

export interface ProcessListProps {
  readonly picture: Picture;
  readonly listener: ListenerView;
  /** Of the control plane that answers: null where nobody knows it, undefined where the node is another one. */
  readonly parentOf: (band: NodeBand) => number | null | undefined;
  readonly nodeName: NodeName;
  readonly lit: Lit;
  readonly badges: ReadonlyMap<string, readonly number[]>;
  readonly selectedId: string | null;
}

export function ProcessList({ picture, parentOf, nodeName, ...given }: ProcessListProps) {
  const { words } = useConsole();
  const { live } = words;
  const { bands } = picture;
  return bands.map((band) => {
    const { nodeId, processes } = band;
    const parentPid = parentOf(band);
    const isOther = parentPid === undefined;
    const node = (
      <span class="mono" title={nodeId}>
        {nodeName(nodeId)}
      </span>
    );
    return (
      <section key={nodeId} class="processes" aria-label={`${live.node} ${nodeName(nodeId)}`}>
        <div class="box parent">
          <h3>
            {isOther ? (
              <>
                <span class="faint plain">{live.node}</span> {node}
              </>
            ) : (
              <>
                {parentPid !== null && (
                  <>
                    <span class="faint plain">{live.pid}</span>{' '}
                    <span class="mono">{parentPid}</span>{' '}
                  </>
                )}
                {live.controlPlane}
                {bands.length > 1 && (
                  <>
                    {' '}
                    <span class="faint plain">{live.node}</span> {node}
                  </>
                )}
              </>
            )}
          </h3>
          <p class="faint">{isOther ? live.otherNodeHint : live.controlPlaneHint}</p>
        </div>
        {processes.length === 0 && <p class="bad">{live.noWorker}</p>}
        {processes.map((box) => (
          <ProcessTable key={box.key} box={box} forkTop={band.top + forkTop} {...given} />
        ))}
      </section>
    );
  });
}

/** From the head of a node to the foot of its control plane. */
const forkTop = parentHeight - 36;

type Marked = Omit<ProcessListProps, 'picture' | 'parentOf' | 'nodeName'>;

interface ProcessTableProps extends Marked {
  readonly box: ProcessBox;
  readonly forkTop: number;
}

function ProcessTable({ box, forkTop: foot, ...marked }: ProcessTableProps) {
  const { words } = useConsole();
  const { live } = words;
  return (
    <section
      class="box process"
      style={{ height: `${box.height}px`, '--fork': `${box.top - foot}px` }}
      aria-label={`${live.pid} ${box.pid} ${live.worker}`}
    >
      <h3>
        <span class="faint plain">{live.pid}</span> <span class="mono">{box.pid}</span>{' '}
        {live.worker}
      </h3>
      <table class="fds">
        <thead>
          <tr>
            <th scope="col">{live.fd}</th>
            <th scope="col">{live.laddr}</th>
            <th scope="col">{live.raddr}</th>
            <th scope="col">{live.stateTitle}</th>
          </tr>
        </thead>
        <tbody>
          {box.rows.map((row) => (
            <Row key={keyOf(row)} row={row} {...marked} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function keyOf(row: FdRow): string {
  switch (row.kind) {
    case 'listening':
      return row.id;
    case 'accepted':
    case 'freed':
      return row.connection.id;
    case 'run':
      return `run:${row.from}`;
    case 'total':
    case 'more':
      return row.kind;
  }
}

function Row({ row, listener, lit, badges, selectedId }: Marked & { readonly row: FdRow }) {
  const { words } = useConsole();
  const { live } = words;
  const laddr = listener.laddr === null ? '' : addressText(listener.laddr);
  const mark = (id: string) => (lit.has(id) || id === selectedId ? 'lit' : '');
  switch (row.kind) {
    case 'listening': {
      // The sessions of a UDP socket are wired to it, and are lit with it.
      const isOfLit = mark(row.id);
      return (
        <tr class={`listening ${isOfLit}`} data-id={row.id}>
          <td class="number">{row.fd}</td>
          <td class="mono">{laddr}</td>
          <td class="mono">*</td>
          <td>
            <span class="state listening">
              ◉ {row.sessions > 0 ? live.sessions(row.sessions) : <ListeningSocket />}
            </span>
            <Badges numbers={badges.get(row.id)} />
          </td>
        </tr>
      );
    }
    case 'accepted':
    case 'freed': {
      const { connection } = row;
      const { id, fd, state } = connection;
      const isFreed = row.kind === 'freed';
      return (
        <tr class={`${row.kind} ${mark(id)}`} data-id={id}>
          <td class="number">{fd}</td>
          <td class="mono">{isFreed ? '' : addressText(connection.laddr)}</td>
          <td class="mono">{isFreed ? '' : raddrText(connection)}</td>
          <td>
            {isFreed ? (
              <span class="state faint">○ {live.gone}</span>
            ) : (
              <span class={state === 'open' ? 'state open' : 'state half'}>
                {state === 'open' ? `● ${live.open1}` : `◐ ${live.halfClosed}`}
              </span>
            )}
            <Badges numbers={badges.get(id)} />
          </td>
        </tr>
      );
    }
    case 'run':
      return (
        <tr class="run">
          <td class="number">{live.run(row.from, row.to)}</td>
          <td class="mono">{laddr}</td>
          <td class="faint">…</td>
          <td class="state open">● {live.acceptedCount(row.count)}</td>
        </tr>
      );
    case 'more':
      return (
        <tr class="run">
          <td class="number">…</td>
          <td />
          <td />
          <td class="state open">● {live.acceptedCount(row.count)}</td>
        </tr>
      );
    case 'total':
      return <Total row={row} laddr={laddr} />;
  }
}

/** On a telephone there is room for the first half. */
function ListeningSocket() {
  const { words } = useConsole();
  const [listening, socket] = words.live.listening;
  return (
    <>
      {listening}
      <span class="where-wide">{socket}</span>
    </>
  );
}

type TotalRow = Extract<FdRow, { readonly kind: 'total' }>;

function Total({ row, laddr }: { readonly row: TotalRow; readonly laddr: string }) {
  const { words } = useConsole();
  const { live } = words;
  const { open, halfClosed, share } = row;
  const half = halfClosed / Math.max(1, open + halfClosed);
  return (
    <tr class="total">
      <td class="number">…</td>
      <td class="mono">{laddr}</td>
      <td>
        <span class="bar" aria-hidden="true">
          <span style={{ width: `${share * (1 - half) * 100}%` }} />
          <span class="half" style={{ width: `${share * half * 100}%` }} />
        </span>
      </td>
      <td>
        <span class="state open">● {live.openCount(open)}</span>
        {halfClosed > 0 && (
          <span class="state half">
            {' '}
            ◐ {words.count(halfClosed)} {live.halfClosed}
          </span>
        )}
      </td>
    </tr>
  );
}
