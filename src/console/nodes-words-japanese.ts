/** The words of the page of nodes in Japanese. */
import { countText as n } from './count-text.ts';
import type { NodesWords } from './nodes-words-english.ts';

export const nodesWordsJapanese: NodesWords = {
  title: 'ノード',
  about:
    'エコーソケットを持つものです。1 つは kodama に組み込まれています。ほかは各ホストのエージェントで、DMZ や NAT の内側、別のクラウドから kodama に接続してきます。',
  none: 'ノードがないため、待ち受けできません。ノードを追加してください。',
  noneFound: '一致するノードはありません。',
  find: 'ノードを探す',
  more: (left) => `ほか ${n(left)} ノード（名前、ラベル、ホスト、状態で探せます）`,
  cut: (shown) => `参加順に最初の ${n(shown)} 件を表示しています。ほかにもあります。`,
  copyCurl: 'curl としてコピー',
  state: {
    pending: '接続待ち',
    ready: '稼働中',
    disconnected: '切断中',
    lost: '喪失',
    quarantined: '隔離中',
  },
  cordoned: '新規受付停止',
  builtIn: '組み込み',
  shared: '全プロジェクト共用',
  meanings: {
    pending: '参加しましたが、まだ接続がありません。',
    disconnected: (until) =>
      `接続が切れています。ノード上の待ち受けと接続はそのまま続きます。${until} までに戻らないと「喪失」になります。`,
    lost: '長く接続がないため、接続は記録上で終了し、リスナーは失敗になりました。戻れば待ち受けを再開します。',
    cordoned: '新しいリスナーは置かれません。今あるものはそのままです。',
  },
  fields: {
    labels: 'ラベル',
    listeners: 'リスナー',
    openConnections: '開いている接続',
    version: 'バージョン',
    host: 'ホスト',
    listens: '待ち受けアドレス',
    lastSeen: '最終確認',
    joined: '参加',
    held: '未送信の記録',
    clock: '時計のずれ',
  },
  noLabels: 'なし',
  notSeen: '未確認',
  ports: (from, to) => `ポート ${from}–${to}`,
  clockOff: (seconds) =>
    `kodama より ${n(Math.abs(seconds))} 秒${seconds > 0 ? '進んでいます' : '遅れています'}`,
  cordon: '新規受付を停止',
  uncordon: '新規受付を再開',
  cancel: 'やめる',
  add: {
    open: 'ノードを追加',
    title: 'ノードを追加',
    about:
      '参加トークンでホストをノードにします。次の画面に、kodama を入れたホストで実行する 2 行が表示されます。',
    uses: 'ホストの数',
    labels: 'ラベル',
    labelsHint: 'site=dmz, env=prod',
    labelsWrong: '名前=値 の形で、カンマ区切りで書いてください。',
    ttl: 'トークンの有効期間',
    ttls: {
      900000: '15 分',
      3600000: '1 時間',
      86400000: '1 日',
      604800000: '7 日',
    },
    shared: '全プロジェクトで共用する',
    submit: '2 行を作成',
  },
  lines: {
    title: 'ホストで実行してください',
    about: (hosts, until) =>
      `kodama を入れた${hosts === 1 ? ' 1 台のホスト' : `最大 ${n(hosts)} 台のホスト`}で、${until} まで使えます。トークンの表示は一度だけです。`,
    copy: '2 行をコピー',
    ownHost:
      'このアドレスには kodama と同じホストからしか届きません。ほかのホストから届くようにするには KODAMA_GATEWAY_HOST と KODAMA_GATEWAY_URL を設定してください。同じホストに 2 つ目のノードを置くときは、KODAMA_DATA_DIR を別にしてください。',
    waiting: 'ホストを待っています…',
    joined: (name, state) => `${name}：${state}`,
    off: 'ノードが参加するゲートウェイは無効です。KODAMA_GATEWAY_PORT=7443 を付けて kodama を起動すると有効になります。',
    offDone: '作成したトークンは失効させました。',
    revoke: 'トークンを失効',
    done: '閉じる',
  },
  remove: {
    open: '削除',
    title: (name) => `${name} を削除しますか？`,
    about: (listeners, connections) =>
      `ノード上のもの（リスナー ${n(listeners)} 件、開いている接続 ${n(connections)} 件）は閉じられ、エージェントは鍵を消して終了します。`,
    again:
      '元には戻せません。同じホストを再び使うには、別の参加トークンで新しいノードとして追加します。',
    submit: 'ノードを削除',
  },
};
