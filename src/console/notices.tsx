/** What the reader has to know about the page itself. */
import { useConsole } from './console-context.ts';

export function Notices() {
  const { log, words } = useConsole();
  const problem = log.problem.value;
  const expiredBelow = log.expiredBelow.value;
  return (
    <div role="status" class="notices">
      {problem !== null && problem.code !== 'unauthenticated' && (
        <p class="notice bad">
          {problem.code === 'unreachable' ? words.problem.unreachable : problem.detail}
        </p>
      )}
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
