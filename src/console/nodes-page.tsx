/** The nodes: how each is, what it has, and how another one is added. */
import { useEffect, useState } from 'preact/hooks';
import { urlOf } from './api.ts';
import { useConsole } from './console-context.ts';
import { CopyButton } from './copy-button.tsx';
import { FindField } from './find-field.tsx';
import { NodeCard } from './node-card.tsx';
import { type NodeAct, NodeDialog } from './node-dialogs.tsx';
import { byNeed, type NodeView, searchText, stateCounts } from './node-states.ts';
import { type NodesWords, nodesWordsEnglish } from './nodes-words-english.ts';
import { nodesWordsJapanese } from './nodes-words-japanese.ts';
import { problemText } from './problem-text.ts';
import { useCurl } from './use-curl.ts';
import { useList } from './use-list.ts';
import { useTitle } from './use-title.ts';

interface NodePage {
  readonly nodes: readonly NodeView[];
  readonly nextPageToken?: string;
}

const query = { pageSize: 1000 };
/** In the document: others are found. */
const shownMax = 60;
const findableMin = 12;

export function NodesPage() {
  const { caller, log, words } = useConsole();
  const said = words.language === 'ja' ? nodesWordsJapanese : nodesWordsEnglish;
  const { page, problem, read } = useList<NodePage>('/v1/nodes', query);
  const [act, setAct] = useState<NodeAct | null>(null);
  const curl = useCurl();
  useTitle([said.title]);
  const status = log.status.value;
  // As often as the status: nodes come and go without an event in the log.
  useEffect(read, [read, status]);
  const nodes = page?.nodes ?? [];
  return (
    <section class="page nodes-page" aria-busy={page === null && problem === null}>
      <div class="page-head">
        <h1>{said.title}</h1>
        <CopyButton text={curl('GET', urlOf('/v1/nodes', {}))} label={said.copyCurl} />
        {caller.may('nodes:write') && (
          <button type="button" class="main" onClick={() => setAct({ kind: 'add' })}>
            {said.add.open}
          </button>
        )}
      </div>
      <p class="soft">{said.about}</p>
      {problem !== null && (
        <p class="bad" role="alert">
          {problemText(problem, words)}
        </p>
      )}
      {page !== null && nodes.length === 0 && <p class="soft">{said.none}</p>}
      <NodeList {...{ nodes, said, read, setAct }} />
      {page?.nextPageToken !== undefined && <p class="soft">{said.cut(nodes.length)}</p>}
      {act !== null && <NodeDialog {...{ act, said, nodes, read }} onClose={() => setAct(null)} />}
    </section>
  );
}

interface NodeListProps {
  readonly nodes: readonly NodeView[];
  readonly said: NodesWords;
  readonly read: () => void;
  readonly setAct: (act: NodeAct) => void;
}

function NodeList({ nodes, said, read, setAct }: NodeListProps) {
  const [text, setText] = useState('');
  const matching = byNeed(nodes).filter((node) => searchText(node).includes(text.toLowerCase()));
  const left = matching.length - shownMax;
  return (
    <>
      {nodes.length > 1 && <Summary nodes={nodes} said={said} />}
      {nodes.length > findableMin && <FindField label={said.find} text={text} onText={setText} />}
      <ul class="card-list">
        {matching.slice(0, shownMax).map((node) => (
          <NodeCard key={node.id} {...{ node, said, read, setAct }} />
        ))}
      </ul>
      {nodes.length > 0 && matching.length === 0 && <p class="soft">{said.noneFound}</p>}
      {left > 0 && <p class="soft">{said.more(left)}</p>}
    </>
  );
}

/** `lost 1 · disconnected 2 · ready 9 · cordoned 1` */
function Summary({ nodes, said }: Pick<NodeListProps, 'nodes' | 'said'>) {
  const { words } = useConsole();
  const cordoned = nodes.filter((node) => node.cordoned).length;
  const counts = [
    ...stateCounts(nodes).map(([state, count]) => [said.state[state] ?? state, count] as const),
    ...(cordoned > 0 ? [[said.cordoned, cordoned] as const] : []),
  ];
  return (
    <p class="soft number">
      {counts.map(([word, count]) => `${word} ${words.count(count)}`).join(' · ')}
    </p>
  );
}
