/** Who answers, how it is, and where in the log the page stands: on every page. */

import { fullest, usedPart } from './caller.ts';
import { useConsole } from './console-context.ts';
import { CreateButton } from './create-button.tsx';
import { ProjectSwitch } from './project-switch.tsx';
import { SessionButton } from './session-button.tsx';

export function Header() {
  const { caller, keyboard, log, router, words } = useConsole();
  const page = router.page.value?.name;
  const isTable = page === 'connections' || page === 'connection';
  return (
    <header class="top">
      <a class="brand" href={router.href('/')} aria-label={words.header.home}>
        <Mark />
        kodama
      </a>
      <nav>
        <a href={router.href('/')} aria-current={page === 'live' ? 'page' : undefined}>
          {words.pages.live}
        </a>
        <a href={router.href('/connections')} aria-current={isTable ? 'page' : undefined}>
          {words.pages.connections}
        </a>
        {/* Until it is known what the key may do, nothing comes between the links later. */}
        {(caller.own.value === null || caller.may('nodes:read')) && (
          <a href={router.href('/nodes')} aria-current={page === 'nodes' ? 'page' : undefined}>
            {words.pages.nodes}
          </a>
        )}
        {(caller.may('keys:read') || (caller.own.value === null && !caller.isHosted.value)) && (
          <a href={router.href('/keys')} aria-current={page === 'keys' ? 'page' : undefined}>
            {words.pages.keys}
          </a>
        )}
        <a href="/docs/" target="_blank" rel="noreferrer">
          {words.pages.docs}
        </a>
      </nav>
      <div class="top-end">
        <NodeState />
        <Place />
        {!log.isProjectLost.value && <CreateButton />}
        <button
          type="button"
          class="quiet"
          onClick={() => {
            keyboard.isListed.value = true;
          }}
        >
          <span class="key" aria-hidden="true">
            ?
          </span>
          <span class="unseen">{words.header.keys}</span>
        </button>
        <SessionButton />
      </div>
    </header>
  );
}

/** Two waves that come back from a point. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
      <circle cx="9" cy="16" r="5" />
      <path d="M17 9a10 10 0 0 1 0 14M23 5a16 16 0 0 1 0 22" />
    </svg>
  );
}

function NodeState() {
  const { api, caller, log, words } = useConsole();
  const status = log.status.value;
  const quota = fullest(caller.quotas.value);
  // Of whoever was signed in before nothing is told.
  if (status === null || api.isKeyWanted.value) return null;
  const { store, nodeId, version } = status;
  return (
    <dl class="node">
      {caller.isHosted.value && (
        <div class="of-project">
          <dt>{words.header.project}</dt>
          <dd>
            <ProjectSwitch />
          </dd>
        </div>
      )}
      {quota !== null && (
        <div>
          <dt>{words.session.quotas[quota.name] ?? quota.name}</dt>
          <dd class={usedPart(quota) === 1 ? 'number bad' : 'number'}>
            {words.session.ofLimit(quota.used ?? 0, quota.limit ?? 0)}
          </dd>
        </div>
      )}
      <div class={caller.isHosted.value ? 'beside-project' : undefined}>
        <dt class="unseen">{words.header.node}</dt>
        <dd title={nodeId ?? undefined}>
          {nodeId ?? words.header.noNode} <span class="faint">{version}</span>
        </dd>
      </div>
      {store !== undefined && (
        <div>
          <dt class="unseen">store</dt>
          <dd class={store.state === 'reachable' ? undefined : 'bad'}>
            {words.header.store[store.state]}
          </dd>
        </div>
      )}
    </dl>
  );
}

/** Shape and word first, colour second. */
function Place() {
  const { api, caller, log, playhead, state, words } = useConsole();
  const moment = playhead.moment.value;
  const { seq } = state.value;
  const { header } = words;
  const nowhere = api.isKeyWanted.value
    ? header.keyWanted
    : log.isProjectLost.value
      ? header.noProject
      : caller.lacks('events:read') && header.noLog;
  if (nowhere)
    return (
      <p class="place waiting">
        <span aria-hidden="true">○</span> {nowhere}
      </p>
    );
  const [mark, word, kind] =
    moment.kind === 'paused'
      ? ['❚❚', header.paused, 'paused']
      : moment.kind === 'past'
        ? ['⟲', header.past, 'past']
        : log.link.value === 'following'
          ? ['●', header.live, 'live']
          : ['○', log.link.value === 'waiting' ? header.waiting : header.connecting, 'waiting'];
  return (
    <p class={`place ${kind}`} data-place={kind}>
      <span aria-hidden="true">{mark}</span> {word} <span class="number">{header.seq(seq)}</span>
    </p>
  );
}
