/** A listener that the URL of Live asks for, and that does not listen: what became of it. */
import type { ListenerView } from '../http/resources.ts';
import { plainText } from '../plain-text.ts';
import { useConsole } from './console-context.ts';
import { listenerName } from './listener-text.ts';
import { problemText } from './problem-text.ts';
import { useListener } from './use-listener.ts';

interface LostListenerProps {
  /** Its name or its id. */
  readonly listenerKey: string;
}

export function LostListener({ listenerKey }: LostListenerProps) {
  const { playhead } = useConsole();
  return playhead.seq.value === null ? (
    <LostNow listenerKey={listenerKey} />
  ) : (
    <LostThen listenerKey={listenerKey} />
  );
}

function LostThen({ listenerKey }: LostListenerProps) {
  const { words } = useConsole();
  return <p class="panel lost">{words.live.lost.notThen(plainText(listenerKey))}</p>;
}

function LostNow({ listenerKey }: LostListenerProps) {
  const { words } = useConsole();
  const { listener, problem } = useListener(listenerKey);
  const { lost } = words.live;
  const text =
    problem !== null
      ? problemText(problem, words)
      : listener === undefined
        ? ''
        : listener?.closedAt
          ? lost.closed(listenerName(listener), `${listener.closedAt.slice(0, 19)}Z`)
          : lost.unknown(plainText(listenerKey));
  return (
    <div class="panel lost" role="status" aria-busy={text === ''}>
      <p>{text}</p>
      {listener && <Record listener={listener} listenerKey={listenerKey} />}
    </div>
  );
}

function Record({ listener, listenerKey }: LostListenerProps & { listener: ListenerView }) {
  const { router, words } = useConsole();
  return (
    <p class="line-actions">
      <a class="button" href={router.href(`/listeners/${listener.id}`)}>
        {words.live.lost.page}
      </a>
      <a class="button" href={router.href('/connections', { listener: listenerKey })}>
        {words.listener.connections}
      </a>
    </p>
  );
}
