/** The words of the page of a listener, of its faults, and of the dialog that makes one, in English. */
import { countText as n } from './count-text.ts';

const some = (value: number, one: string): string => `${n(value)} ${one}${value === 1 ? '' : 's'}`;

export type ListenerWords = typeof listenerWordsEnglish;

export const listenerWordsEnglish = {
  title: (name: string) => `Listener ${name}`,
  lost: 'There is no such listener.',
  connections: 'Its connections',
  connect: 'Connect',
  labels: 'labels',
  expires: 'closes itself at',
  closed: 'closed at',
  end: 'Close listener',
  endNow: 'at once, with all its connections',
  endDrain: (duration: string) => `drain: connections may end by themselves for ${duration}`,
  limits: 'Limits',
  noLimit: 'none',
  recent: 'Last 15 minutes',
  opened: (times: number) => `${n(times)} opened`,
  refused: (times: number) => `${n(times)} refused`,
  noEnds: 'No connection has ended.',
  since: (seq: number) => `Of the events since seq ${n(seq)}.`,
  assert: 'Assert in CI',
  faults: {
    title: 'Faults, in the order that bytes meet them',
    none: 'No fault: bytes come back as they came.',
    client: 'client',
    add: 'Add a fault',
    preset: 'Preset',
    presets: {
      slowNetwork: 'slow network',
      flaky: 'flaky, 30 %',
      resetAfter1kB: 'reset after 1 kB',
      blackHole: 'black hole',
      halfOpen: 'half-close',
      lossy: '30 % loss',
    },
    on: 'on',
    up: (name: string) => `${name}: earlier`,
    down: (name: string) => `${name}: later`,
    remove: (name: string) => `${name}: remove`,
    which: 'Which connections, and until when',
    apply: (changes: number) => `Apply: ${some(changes, 'change')}`,
    revert: 'Revert',
    touchesLiving: (open: number) =>
      open === 0
        ? 'Meets connections that live at once; none is open now.'
        : `Meets the ${some(open, 'open connection')} at once.`,
    touchesNew: 'Only connections still to come meet it.',
    changedMeanwhile: 'The faults were changed elsewhere meanwhile. To apply replaces them.',
    asJson: 'As JSON',
    patchAsCurl: 'PATCH as curl',
    /** By type; of one that is not here the API's own sentence is shown. */
    about: {} as Readonly<Record<string, string>>,
  },
  create: {
    title: 'New listener',
    open: 'New listener',
    protocol: 'Protocol',
    port: 'Port',
    portHint: 'empty: any that is free',
    name: 'Name',
    nameHint: 'may be empty',
    mode: 'Mode',
    ttl: 'Closes itself after',
    ttlNone: 'never',
    ttls: { 60000: '1 minute', 3600000: '1 hour', 86400000: '1 day' } as Readonly<
      Record<number, string>
    >,
    node: 'Node',
    nodeAny: 'where kodama places it',
    faults: (count: number) => (count === 0 ? 'Faults' : `Faults: ${n(count)}`),
    more: 'More',
    host: 'Host',
    hostHint: 'empty: the default of this kodama',
    proxy: 'PROXY header',
    recording: 'Recording',
    maxConnections: 'Max connections',
    idleTimeoutMs: 'Idle timeout, ms',
    cert: 'Certificate, PEM',
    key: 'Key, PEM',
    certHint: 'without one a self-signed certificate is made',
    submit: 'Create',
    cancel: 'Cancel',
    asYaml: 'For kodama apply',
    yamlWantsName: 'kodama apply knows listeners by name: give one.',
    owner: 'The listener that has it',
    foreign: 'Another program has it.',
  },
};
