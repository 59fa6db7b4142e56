/** The words of the page of keys in Japanese. */
import { countText as n } from './count-text.ts';
import type { KeysWords } from './keys-words-english.ts';


export const keysWordsJapanese: KeysWords = {
  title: 'API キー',
  about: '呼び出し元が示すものです。シークレットの表示は一度だけで、どこにも保存されません。',
  none: 'このプロジェクトにはキーがありません。',
  more: (shown) => `新しい ${n(shown)} 件を表示しています。ほかにもあります。`,
  ended: (ended) => `終了したキー ${n(ended)} 件`,
  copyCurl: 'curl としてコピー',
  state: { good: '有効', rotating: '切り替え中', expired: '期限切れ', revoked: '失効' },
  hint: 'シークレット',
  scopes: '権限',
  created: '作成',
  createdBy: (who) => `作成者：${who}`,
  operator: '運用者',
  expires: '有効期限',
  never: 'なし',
  formerEnds: '前のシークレットの終了',
  lastUsed: '最終使用',
  lastUsedFrom: (ip) => `${ip} から`,
  unused: '未使用',
  isOwn: 'このタブのキー',
  cancel: 'やめる',
  create: {
    open: '新しいキー',
    title: '新しいキー',
    name: '名前',
    scopes: '権限',
    parts: '個別に選ぶ',
    ttl: '有効期限',
    ttls: {
      '': 'なし',
      86400000: '1 日後',
      2592000000: '30 日後',
      7776000000: '90 日後',
      31536000000: '1 年後',
    },
    submit: 'キーを作成',
    noScopes: '1 つ以上選んでください。',
  },
  rotate: {
    open: '切り替え',
    title: (name) => `${name} の切り替え`,
    about:
      'キーに 2 つ目のシークレットを発行します。前のシークレットは重複期間の終わりまで使えます。',
    wait: '前のシークレットが終わるまで、シークレットは 2 つです。',
    overlap: '重複期間',
    overlaps: {
      0: 'なし：前のものはすぐ終了',
      3600000: '1 時間',
      86400000: '1 日',
      604800000: '7 日',
    },
    submit: '切り替える',
  },
  revoke: {
    open: '失効',
    title: (name) => `${name} を失効させますか？`,
    about: '10 秒以内にどこでも拒否され、そのキーのストリームは終了します。元には戻せません。',
    own: 'このタブのキーです。失効するとサインアウトされます。',
    submit: '失効させる',
  },
  secret: {
    title: (name) => `${name} のシークレット`,
    once: '今コピーしてください。表示されるのは一度だけです。',
    use: 'シェルで',
    done: 'コピーしました',
  },
};
