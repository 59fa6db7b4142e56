/** The words of the page in Japanese. */

import { connectionWordsJapanese } from './connection-words-japanese.ts';
import { countText as n } from './count-text.ts';
import type { Process } from './descriptors.ts';
import { listenerWordsJapanese } from './listener-words-japanese.ts';
import type { NodeName } from './node-names.ts';
import type { Words } from './words-english.ts';

export const japanese: Words = {
  language: 'ja',
  count: n,
  pages: { live: 'ライブ', connections: '接続', nodes: 'ノード', keys: 'API キー', docs: 'API' },
  header: {
    home: 'kodama、ライブ',
    node: 'ノード',
    noNode: 'ソケットなし',
    store: { reachable: 'ストア正常', away: 'ストア不通' },
    connecting: '接続中',
    live: 'ライブ',
    paused: '一時停止',
    past: '過去',
    waiting: '再接続中',
    keyWanted: 'キーが必要',
    noProject: 'プロジェクトなし',
    noLog: '追跡なし',
    seq: (seq) => `seq ${n(seq)}`,
    rate: (perSecond) => `${n(perSecond)} イベント/秒`,
    project: 'プロジェクト',
    signOut: 'サインアウト',
    keys: 'キー操作',
    outdated: 'kodama が更新されました。',
    reload: '再読み込み',
    expired: (seq) => `seq ${n(seq)} より前のイベントは保存期間を過ぎました。`,
    cut: (seq) =>
      `seq ${n(seq)} より前に開き、ここに示す範囲の終わりまで開いていた接続は表示されません。`,
    skip: '本文へ',
  },
  session: {
    open: 'セッション',
    key: 'キー',
    noKey: '不要',
    ofNode: 'kodama 自身のトークン',
    scopes: '権限',
    unknown: '確認中',
    readOnly: '閲覧のみ',
    readOnlyHint: 'このタブのキーでできるのは閲覧だけで、変更はできません。',
    lacks: (scope) => `このタブのキーではできません。権限 ${scope} がありません。`,
    quotasTitle: '割り当て',
    noQuotas: 'このプロジェクト独自の上限はありません。',
    full: 'プロジェクトの割り当てを使い切りました。この kodama の運用者が引き上げられます。',
    atMost: (limit) => `最大 ${n(limit)}`,
    ofLimit: (used, limit) => `${n(used)} / ${n(limit)}`,
    quotas: {
      listeners: 'リスナー',
      keys: 'キー',
      nodes: 'ノード',
      joinTokens: '参加トークン',
      streams: 'ストリーム',
      requestsPerSecond: '呼び出し/秒',
      openConnections: '開いている接続',
      acceptsPerSecond: '受け入れ/秒',
      eventsKept: '保存イベント数',
      retentionDays: '保存日数',
    },
  },
  signIn: {
    title: 'サインイン',
    why: 'この kodama にはキーが必要です。キーはこのタブだけに保存されます。キーは運用者が発行します。kodama 自身のキーは KODAMA_API_TOKEN の値です。',
    wrong: 'このキーは使えません。',
    key: 'キー',
    submit: 'サインイン',
  },
  problem: {
    unreachable: 'kodama に接続できません。つながり次第、自動で再開します。',
    lost: 'このページはありません。',
    toLive: 'ライブへ',
    lostProject: (name) => `プロジェクト ${name} はないか、このキーでは見られません。`,
    toOwnProject: '自分のプロジェクトへ',
  },
  copy: { copy: 'コピー', copied: 'コピーしました', failed: 'コピーできません' },
  timeBar: {
    place: 'ログの位置',
    placeText: (seq, head) => `seq ${n(seq)} / ${n(head)}`,
    toStart: 'ここにある最古のイベントへ',
    back: '1 イベント戻る',
    forward: '1 イベント進む',
    toLive: 'ライブ',
    play: '再生',
    speeds: { 1: '1×', 10: '10×', all: '最速' },
    speedNames: { 1: '実時間で', 10: '10 倍速で', all: '描画できる限り速く' },
    stop: '停止',
    pause: '一時停止',
    empty: 'ログは空です。起きたことがここに並びます。',
    open: '各イベント時点の接続数',
    counters: 'バイト数は直前のイベント時点の値です。',
  },
  keys: {
    title: 'キー操作',
    off: '1 文字のキー操作を使う',
    close: '閉じる',
    names: {
      '/': '絞り込み',
      'j k ↓ ↑': '行の移動',
      Enter: '詳細',
      Esc: '戻る、入力欄から出る',
      Space: '一時停止と再開',
      '[ ]': '1 イベント戻る、進む',
      l: 'ライブ',
      n: '新しいリスナー',
      '1 2 3 4': 'ページ',
      '?': 'この一覧',
    },
  },
  activity: (opened, closed, reset, refused) =>
    [
      opened > 0 && `接続 ${n(opened)}`,
      closed > 0 && `終了 ${n(closed)}`,
      reset > 0 && `リセット ${n(reset)}`,
      refused > 0 && `拒否 ${n(refused)}`,
    ]
      .filter((part) => part !== false)
      .join('、'),
  event: {
    listener_created: 'リスナー作成',
    listener_listening: '待ち受け開始',
    listener_failed: 'リスナー失敗',
    listener_updated: 'リスナー変更',
    listener_closed: 'リスナー終了',
    connection_opened: '受け入れ',
    connection_half_closed: 'クライアントの FIN',
    connection_closed: '終了',
    connection_refused: '拒否',
  },
  live: {
    title: 'ライブ',
    emptyTitle: 'まだ何も待ち受けていません。',
    emptyText:
      'ここに見えるもの：プロセス、その待ち受けソケット、そしてクライアントごとに作られる新しいソケット。',
    withoutNode: 'この kodama 自身はソケットを持ちません。ノードが持ちます。',
    open: 'エコーリスナーを開く',
    openHint: 'TCP、127.0.0.1、空いているポート',
    fromTerminal: 'ターミナルからも開けます',
    listeners: 'リスナー',
    connectTitle: '接続して、見る',
    connectText: 'ターミナルでどれかを実行してください。送った文字がそのまま返ります。',
    connect: {
      bash: 'bash',
      nc: 'nc',
      python: 'python（送信元のアドレスとポートを選ぶ）',
      datagram: 'bash（データグラム）',
      openssl: 'openssl',
      pythonTls: 'python（TLS）',
    },
    copyConnect: '接続コマンドをコピー',
    find: 'リスナーを探す',
    allListeners: 'すべてのリスナー',
    all: {
      none: '条件に合うリスナーはありません。',
      count: (shown, all) =>
        shown === all ? `${n(all)} リスナー` : `${n(all)} リスナー中 ${n(shown)}`,
      columns: {
        listener: 'リスナー',
        state: '状態',
        where: 'laddr',
        open: '接続中',
        node: 'ノード',
        labels: 'ラベル',
        picture: '図',
      },
    },
    moreListeners: (amount) => `ほか ${n(amount)} リスナー`,
    lost: {
      closed: (name, time) => `リスナー ${name} は ${time} に閉じました。`,
      unknown: (name) => `リスナー ${name} はありません。`,
      notThen: (name) => `ログのこの時点でリスナー ${name} は待ち受けていません。`,
      page: 'リスナーのページ',
    },
    state: {
      pending: '開始中',
      listening: '待ち受け中',
      failed: '失敗',
      draining: '終了処理中',
      closed: '終了',
    },
    openCount: (open) => `接続中 ${n(open)}`,
    everCount: (ever) => `累計 ${n(ever)}`,
    perMinute: (rate) => `${n(rate)}/分`,
    close: 'リスナーを閉じる',
    closeSure: '接続もすべて閉じます。よろしいですか？',
    closeYes: '閉じる',
    closeNo: '残す',
    faults: (amount) => (amount === 0 ? '障害設定' : `障害 ${n(amount)} 件`),
    picture: '図',
    clients: 'クライアント',
    clientsHint: 'raddr 別',
    server: 'サーバー',
    host: 'ホスト',
    controlPlane: 'コントロールプレーン',
    controlPlaneHint: 'エコーのバイトには触れません',
    node: 'ノード',
    otherNodeHint: '別のノードです。pid と fd はそのノードの番号です',
    worker: 'ワーカー',
    fd: 'fd',
    laddr: 'laddr',
    raddr: 'raddr',
    stateTitle: '状態',
    listening: ['待ち受け', 'ソケット'],
    accepted: '受け入れたソケット',
    open1: '接続中',
    halfClosed: 'ハーフクローズ',
    gone: '解放済み',
    closedClient: '終了',
    ports: (amount) => `${n(amount)} ポート`,
    run: (from, to) => (from === to ? `${from}` : `${from}–${to}`),
    acceptedCount: (amount) => `受け入れ ${n(amount)}`,
    sessions: (amount) => `${n(amount)} セッション`,
    moreHosts: (hosts, connections) => `ほか ${n(hosts)} ホスト・${n(connections)} 接続`,
    unknownHost: 'アドレス不明',
    notAll: (known, open) =>
      `接続中 ${n(open)} のうち、このページが持つ新しい ${n(known)} から描いています。`,
    noClients: '接続中のクライアントはありません。',
    noWorker: '動いているワーカーがありません。',
    facts: 'この図からわかること',
    noFacts: 'クライアントを接続し、次に別のアドレスからもう 1 つ接続してみてください。',
    bothEnds: 'この接続の両端',
    serverEnd: 'サーバー側のソケット',
    clientEnd: 'クライアント側のソケット',
    unknown: 'ここではわかりません',
    mirror:
      'サーバーはクライアントの pid と fd を知ることができません。互いに見えるのはソケットアドレスだけです。',
    details: '詳細',
    unselect: '閉じる',
    pid: 'pid',
    pastNote: '変更するにはライブに戻ってください。',
  },
  facts: (fact, nodeName) => {
    switch (fact.kind) {
      case 'accepted':
        return `accept は ${fact.raddr} のために新しいソケット fd ${fact.fd} を作りました。待ち受けソケット fd ${fact.listeningFd} は待ち受けを続けています。`;
      case 'one_port':
        return `ポート ${fact.port} という 1 つの番号に ${n(fact.count)} クライアント。accept が新しいソケットを ${n(fact.count)} 個作り、待ち受けソケットは待ち受けを続けています。`;
      case 'same_port':
        return `${fact.hosts.join(' と ')} は同じポート ${fact.port} を使っています。(laddr, raddr) の組で区別されます。`;
      case 'same_host':
        return `${fact.host} に ${n(fact.count)} クライアント。ポートは ${fact.ports.join(' と ')} のように別々です。`;
      case 'same_fd':
        return `fd ${fact.fd} は ${n(fact.processes.length)} つのワーカー（${pidsOf(fact.processes, nodeName)}）で開いています。fd はプロセスごとの番号なので、記録には pid と fd の両方が必要です。`;
      case 'fd_again':
        return `pid ${fact.pid} の fd ${fact.fd} は ${fact.before} が解放し、いまは ${fact.now} が使っています。番号は使い回されます。`;
      case 'half_closed':
        return `${fact.raddr} はハーフクローズです。クライアントは FIN を送り、まだ返すバイトが残っています。`;
      case 'reset':
        return `${fact.raddr} はリセット（RST）されました。別れの合図ではなく、途中のデータは失われます。`;
      case 'udp':
        return `UDP に accept はありません。${n(fact.count)} セッションはすべて 1 つのソケット fd ${fact.fd} を使い、相手はデータグラムのアドレスだけで区別されます。`;
      case 'declared':
        return `ソケットの相手は ${fact.raddr}、PROXY ヘッダーが示すクライアントは ${fact.declared} です。`;
    }
  },
  connections: connectionWordsJapanese,
  listener: listenerWordsJapanese,
};

/** `pid 99 と 100`; on several nodes each with its node. */
function pidsOf(processes: readonly Process[], nodeName: NodeName): string {
  const isOneNode = new Set(processes.map(({ nodeId }) => nodeId)).size === 1;
  if (isOneNode) return `pid ${processes.map(({ pid }) => pid).join(' と ')}`;
  return processes.map(({ nodeId, pid }) => `${nodeName(nodeId)} の pid ${pid}`).join(' と ');
}
