/** For who does not see the page: what has happened, politely, and not more often than every few seconds. */
import { useEffect, useState } from 'preact/hooks';
import { useConsole } from './console-context.ts';

const intervalMs = 5000;

export function ActivityLine() {
  const { log, words } = useConsole();
  const [text, setText] = useState('');
  useEffect(() => {
    let seq = log.timeline.headSeq;
    const timer = setInterval(() => {
      const { timeline } = log;
      const from = timeline.events.length - timeline.countAfter(seq);
      seq = timeline.headSeq;
      const counts = { opened: 0, closed: 0, reset: 0, refused: 0 };
      for (let at = from; at < timeline.events.length; at++) {
        const event = timeline.events[at];
        if (event?.type === 'connection_opened') counts.opened++;
        else if (event?.type === 'connection_refused') counts.refused += event.refusal?.count ?? 1;
        else if (event?.connection?.closeReason === 'peer_rst') counts.reset++;
        else if (event?.type === 'connection_closed') counts.closed++;
      }
      setText(words.activity(counts.opened, counts.closed, counts.reset, counts.refused));
    }, intervalMs);
    return () => clearInterval(timer);
  }, [log, words]);
  return (
    <p class="unseen" role="status">
      {text}
    </p>
  );
}
