/** The picture: hosts with their ports, wires, and processes with their descriptors, as picture-layout.ts has them. */
import { useEffect, useRef } from 'preact/hooks';
import type { ConnectionView, ListenerView } from '../http/resources.ts';
import { useConsole } from './console-context.ts';
import { badgesOf } from './fact-list.tsx';
import type { Fact } from './facts.ts';
import { HostList } from './host-list.tsx';
import type { Lit, SetLit } from './lit.ts';
import { nodeNames } from './node-names.ts';
import type { OpenConnections } from './open-connections.ts';
import type { NodeBand } from './picture-boxes.ts';
import { layOut, type Wire, wirePath } from './picture-layout.ts';
import { ProcessList } from './process-list.tsx';

export interface PictureProps {
  readonly listener: ListenerView;
  readonly open: OpenConnections;
  readonly closed: readonly ConnectionView[];
  readonly openCount: number;
  readonly facts: readonly Fact[];
  readonly lit: Lit;
  readonly setLit: SetLit;
  readonly selectedId: string | null;
}

export function Picture(props: PictureProps) {
  const { listener, facts, lit, setLit, selectedId } = props;
  const { log, playhead, state, words } = useConsole();
  const frame = useRef<HTMLElement>(null);
  const status = log.status.value;
  const here = status?.nodeId ?? null;
  const workers = status?.workers?.map(({ pid }) => pid) ?? [];
  const running = here === null ? [] : workers.map((pid) => ({ nodeId: here, pid }));
  const picture = layOut({ ...props, running: playhead.seq.value === null ? running : [] });
  const parentOf = (band: NodeBand) =>
    band.nodeId === here ? parentPid(band, workers, status?.pid) : undefined;
  const badges = badgesOf(facts);
  useLitUnderPointer(frame, setLit);
  return (
    <section
      ref={frame}
      class={`panel picture scale-${picture.scale}`}
      aria-label={words.live.picture}
      data-scale={picture.scale}
    >
      <div class="side">
        <h2>
          {words.live.clients} <span class="faint plain">{words.live.clientsHint}</span>
        </h2>
        <HostList picture={picture} lit={lit} badges={badges} selectedId={selectedId} />
      </div>
      <Wires wires={picture.wires} height={picture.height} lit={lit} selectedId={selectedId} />
      <div class="side">
        <h2>{words.live.server}</h2>
        <ProcessList
          picture={picture}
          listener={listener}
          parentOf={parentOf}
          nodeName={nodeNames(state.value.listeners)}
          lit={lit}
          badges={badges}
          selectedId={selectedId}
        />
      </div>
    </section>
  );
}

/** Of workers of an earlier run nobody says any more who forked them. */
function parentPid(
  { processes }: NodeBand,
  workers: readonly number[],
  pid: number | undefined,
): number | null {
  if (pid === undefined) return null;
  return processes.every((one) => workers.includes(one.pid)) ? pid : null;
}

/** Both ends of what the pointer is over are lit. */
function useLitUnderPointer(frame: { readonly current: HTMLElement | null }, setLit: SetLit): void {
  useEffect(() => {
    const { current } = frame;
    if (current === null) return undefined;
    const over = ({ target }: Event) => {
      const row = target instanceof Element ? target.closest<HTMLElement>('[data-id]') : null;
      setLit(row?.dataset.id === undefined ? [] : [row.dataset.id]);
    };
    const out = () => setLit([]);
    current.addEventListener('mouseover', over);
    current.addEventListener('mouseleave', out);
    return () => {
      current.removeEventListener('mouseover', over);
      current.removeEventListener('mouseleave', out);
    };
  }, []);
}

interface WiresProps {
  readonly wires: readonly Wire[];
  readonly height: number;
  readonly lit: Lit;
  readonly selectedId: string | null;
}

function Wires({ wires, height, lit, selectedId }: WiresProps) {
  const isLit = ({ ids }: Wire) => ids.some((id) => lit.has(id) || id === selectedId);
  return (
    <svg
      class={lit.size > 0 ? 'wires dimmed' : 'wires'}
      viewBox={`0 0 100 ${height}`}
      style={{ height: `${height}px` }}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {wires.map((wire) => (
        <path
          key={wire.key}
          class={`wire ${wire.state}${isLit(wire) ? ' lit' : ''}`}
          d={wirePath(wire)}
          style={{ strokeWidth: `${wire.width}px` }}
        />
      ))}
    </svg>
  );
}
