/** What the reader has to know about the page itself. */
import { useConsole } from './console-context.ts';
import { problemText } from './problem-text.ts';

export function Notices() {
  const { log, past, playhead, timeline, words } = useConsole();
  const { firstSeq } = timeline.value;
  const isPast = playhead.seq.value !== null && timeline.value !== log.timeline;
  const problem = log.problem.value ?? (playhead.seq.value === null ? null : past.problem.value);
  const expiredBelow = log.expiredBelow.value;
  return (
    <div role="status" class="notices">
      {problem !== null && problem.code !== 'unauthenticated' && !log.isProjectLost.value && (
        <p class="notice bad">{problemText(problem, words)}</p>
      )}
      {isPast && firstSeq > 1 && <p class="notice">{words.header.cut(firstSeq)}</p>}
      {log.isOutdated.value && (
        <p class="notice">
          {words.header.outdated}{' '}
          <button type="button" onClick={() => location.reload()}>
            {words.header.reload}
          </button>
        </p>
      )}
      {expiredBelow !== null && <p class="notice">{words.header.expired(expiredBelow)}</p>}
    </div>
  );
}
