/** The keys of the project: what each may do, when it was used, and how it ends. */
import { Fragment } from 'preact';
import { useState } from 'preact/hooks';
import { urlOf } from './api.ts';
import { useConsole } from './console-context.ts';
import { CopyButton } from './copy-button.tsx';
import { type KeyView, keyStateOf } from './key-states.ts';
import { type KeyAct, KeyDialog } from './keys-page-dialogs.tsx';
import { type KeysWords, keysWordsEnglish } from './keys-words-english.ts';
import { keysWordsJapanese } from './keys-words-japanese.ts';
import { problemText } from './problem-text.ts';
import { dateText } from './spans.ts';
import { useCurl } from './use-curl.ts';
import { useList } from './use-list.ts';
import { useTitle } from './use-title.ts';

const query = { pageSize: 200 };

export function KeysPage() {
  const { caller, words } = useConsole();
  const said = words.language === 'ja' ? keysWordsJapanese : keysWordsEnglish;
  const { page, problem, read } = useList<KeyPage>('/v1/keys', query);
  const [act, setAct] = useState<KeyAct | null>(null);
  const curl = useCurl();
  useTitle([said.title]);
  const now = Date.now();
  const isOver = (key: KeyView) => ['expired', 'revoked'].includes(keyStateOf(key, now));
  const keys = page?.keys ?? [];
  const over = keys.filter(isOver);
  const list = (some: readonly KeyView[]) => (
    <ul class="card-list">
      {some.map((key) => (
        <KeyCard key={key.id} shown={key} {...{ said, now, setAct }} />
      ))}
    </ul>
  );
  return (
    <section class="page keys-page" aria-busy={page === null && problem === null}>
      <div class="page-head">
        <h1>{said.title}</h1>
        <CopyButton text={curl('GET', urlOf('/v1/keys', {}))} label={said.copyCurl} />
        {caller.may('keys:write') && (
          <button type="button" class="main" onClick={() => setAct({ kind: 'create' })}>
            {said.create.open}
          </button>
        )}
      </div>
      <p class="soft">{said.about}</p>
      {problem !== null && (
        <p class="bad" role="alert">
          {problemText(problem, words)}
        </p>
      )}
      {page !== null && keys.length === over.length && <p class="soft">{said.none}</p>}
      {list(keys.filter((key) => !isOver(key)))}
      {over.length > 0 && (
        <details>
          <summary>{said.ended(over.length)}</summary>
          {list(over)}
        </details>
      )}
      {page?.nextPageToken !== undefined && <p class="soft">{said.more(keys.length)}</p>}
      {act !== null && (
        <KeyDialog act={act} said={said} onChange={read} onClose={() => setAct(null)} />
      )}
    </section>
  );
}

interface KeyPage {
  readonly keys: readonly KeyView[];
  readonly nextPageToken?: string;
}

interface KeyCardProps {
  readonly shown: KeyView;
  readonly said: KeysWords;
  readonly now: number;
  readonly setAct: (act: KeyAct) => void;
}

function KeyCard({ shown, said, now, setAct }: KeyCardProps) {
  const { caller } = useConsole();
  const { id, name, hint, scopes, createdAt, createdBy, expiresAt, formerSecretEndsAt } = shown;
  const { lastUsedAt, lastUsedIp } = shown;
  const state = keyStateOf(shown, now);
  const isOwn = caller.own.value?.keyId === id;
  const mayChange = caller.may('keys:write') && (state === 'good' || state === 'rotating');
  const facts: readonly (readonly [string, string])[] = [
    [said.hint, hint],
    [said.scopes, scopes.join(' ')],
    [
      said.lastUsed,
      lastUsedAt === null
        ? said.unused
        : [dateText(lastUsedAt), lastUsedIp === null ? '' : said.lastUsedFrom(lastUsedIp)].join(
            ' ',
          ),
    ],
    [said.expires, expiresAt === null ? said.never : dateText(expiresAt)],
    ...(state === 'rotating' && formerSecretEndsAt !== null
      ? [[said.formerEnds, dateText(formerSecretEndsAt)] as const]
      : []),
    [said.created, `${dateText(createdAt)} ${said.createdBy(createdBy.hint ?? said.operator)}`],
  ];
  return (
    <li class="panel card-of">
      <header>
        <h2 class="card-name">{name}</h2>
        <span class={`state key-${state}`}>{said.state[state]}</span>
        {isOwn && <span class="soft">{said.isOwn}</span>}
      </header>
      <dl class="record">
        {facts.map(([title, value]) => (
          <Fragment key={title}>
            <dt>{title}</dt>
            <dd class="mono">{value}</dd>
          </Fragment>
        ))}
      </dl>
      {mayChange && (
        <p class="panel-actions">
          <button
            type="button"
            disabled={state === 'rotating'}
            title={state === 'rotating' ? said.rotate.wait : undefined}
            onClick={() => setAct({ kind: 'rotate', key: shown, isOwn })}
          >
            {said.rotate.open}
            <span class="unseen"> {name}</span>
          </button>
          <button
            type="button"
            class="danger"
            onClick={() => setAct({ kind: 'revoke', key: shown, isOwn })}
          >
            {said.revoke.open}
            <span class="unseen"> {name}</span>
          </button>
        </p>
      )}
    </li>
  );
}
