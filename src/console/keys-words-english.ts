/** The words of the page of keys in English. They come with the page. */
import { countText as n } from './count-text.ts';

export type KeysWords = typeof keysWordsEnglish;

export const keysWordsEnglish = {
  title: 'API keys',
  about: 'What a caller shows. A secret is told once, and kept nowhere.',
  none: 'This project has no keys.',
  more: (shown: number) => `The newest ${n(shown)} are shown, and there are more.`,
  ended: (ended: number) => `${n(ended)} that ended`,
  copyCurl: 'Copy as curl',
  state: { good: 'good', rotating: 'rotating', expired: 'expired', revoked: 'revoked' },
  hint: 'secret',
  scopes: 'may',
  created: 'made',
  createdBy: (who: string) => `by ${who}`,
  operator: 'an operator',
  expires: 'expires',
  never: 'never',
  formerEnds: 'first secret ends',
  lastUsed: 'last used',
  lastUsedFrom: (ip: string) => `from ${ip}`,
  unused: 'not yet',
  isOwn: 'the key of this tab',
  cancel: 'Cancel',
  create: {
    open: 'New key',
    title: 'New key',
    name: 'Name',
    scopes: 'What it may do',
    parts: 'In parts',
    ttl: 'Expires',
    ttls: {
      '': 'never',
      86400000: 'in 1 day',
      2592000000: 'in 30 days',
      7776000000: 'in 90 days',
      31536000000: 'in 1 year',
    } as Readonly<Record<string, string>>,
    submit: 'Create key',
    noScopes: 'Choose at least one.',
  },
  rotate: {
    open: 'Rotate',
    title: (name: string) => `Rotate ${name}`,
    about: 'The key gets a second secret. The first one holds until the overlap is over.',
    wait: 'It has two secrets until the first one ends.',
    overlap: 'Overlap',
    overlaps: {
      0: 'none: the first one ends now',
      3600000: '1 hour',
      86400000: '1 day',
      604800000: '7 days',
    } as Readonly<Record<string, string>>,
    submit: 'Rotate key',
  },
  revoke: {
    open: 'Revoke',
    title: (name: string) => `Revoke ${name}?`,
    about:
      'It is refused everywhere within 10 s, and its streams end. There is no way back: make another one.',
    own: 'It is the key of this tab, which is signed out by that.',
    submit: 'Revoke key',
  },
  secret: {
    title: (name: string) => `The secret of ${name}`,
    once: 'Copy it now: it is shown this once.',
    use: 'In a shell',
    done: 'I have it',
  },
};
