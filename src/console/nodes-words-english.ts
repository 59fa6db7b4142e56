/** The words of the page of nodes in English. They come with the page. */
import { countText as n } from './count-text.ts';

export type NodesWords = typeof nodesWordsEnglish;

export const nodesWordsEnglish = {
  title: 'Nodes',
  about:
    'What holds echo sockets, each on its host. One is built into kodama; any other is an agent, in a DMZ, behind NAT or in another cloud, which dials out to kodama.',
  none: 'There is no node, so nothing can listen. Add one.',
  noneFound: 'No node matches.',
  find: 'Find a node',
  more: (left: number) => `and ${n(left)} more: find them by name, label, host or state`,
  cut: (shown: number) => `The first ${n(shown)} that joined are here, and there are more.`,
  copyCurl: 'Copy as curl',
  state: {
    pending: 'pending',
    ready: 'ready',
    disconnected: 'disconnected',
    lost: 'lost',
    quarantined: 'quarantined',
  } as Readonly<Record<string, string>>,
  cordoned: 'cordoned',
  builtIn: 'built in',
  shared: 'shared by all projects',
  meanings: {
    pending: 'It has joined, and has not been heard yet.',
    disconnected: (until: string) =>
      `It is not heard. What it has goes on by itself. It counts as lost if it is not back by ${until}.`,
    lost: 'It was not heard for so long that its connections are closed on record and its listeners have failed. They listen again once it is back.',
    cordoned: 'It gets no new listeners; what it has stays.',
  },
  fields: {
    labels: 'labels',
    listeners: 'listeners',
    openConnections: 'open connections',
    version: 'version',
    host: 'host',
    listens: 'listens on',
    lastSeen: 'last seen',
    joined: 'joined',
    held: 'records held',
    clock: 'its clock',
  },
  noLabels: 'none',
  notSeen: 'not yet',
  ports: (from: number, to: number) => `ports ${from}–${to}`,
  clockOff: (seconds: number) =>
    `${n(Math.abs(seconds))} s ${seconds > 0 ? 'ahead of' : 'behind'} kodama’s`,
  cordon: 'Cordon',
  uncordon: 'Uncordon',
  cancel: 'Cancel',
  add: {
    open: 'Add a node',
    title: 'Add a node',
    about:
      'A join token makes a host a node. The next step has the two lines to run there, with kodama installed.',
    uses: 'How many hosts',
    labels: 'Labels',
    labelsHint: 'site=dmz, env=prod',
    labelsWrong: 'Write them as name=value, with commas between.',
    ttl: 'Token is good for',
    ttls: {
      900000: '15 minutes',
      3600000: '1 hour',
      86400000: '1 day',
      604800000: '7 days',
    } as Readonly<Record<string, string>>,
    shared: 'They serve every project',
    submit: 'Make the two lines',
  },
  lines: {
    title: 'Run this on the host',
    about: (hosts: number, until: string) =>
      `${hosts === 1 ? 'On one host' : `On up to ${n(hosts)} hosts`}, with kodama installed, until ${until}. The token is shown this once.`,
    copy: 'Copy both lines',
    ownHost:
      'This address is of kodama’s own host alone. KODAMA_GATEWAY_HOST and KODAMA_GATEWAY_URL make it one that other hosts reach. For a second node on the same host, give it a KODAMA_DATA_DIR of its own.',
    waiting: 'Waiting for the host …',
    joined: (name: string, state: string) => `${name} is ${state}.`,
    off: 'The gateway, where nodes join, is off: start kodama with KODAMA_GATEWAY_PORT=7443 to turn it on.',
    offDone: 'The token that was made is revoked.',
    revoke: 'Revoke the token',
    done: 'Done',
  },
  remove: {
    open: 'Remove',
    title: (name: string) => `Remove ${name}?`,
    about: (listeners: number, connections: number) =>
      `What it has is closed: ${n(listeners)} ${listeners === 1 ? 'listener' : 'listeners'}, ${n(connections)} open ${connections === 1 ? 'connection' : 'connections'}. Its agent forgets its key and ends.`,
    again: 'There is no way back: another join token adds the host again, as a new node.',
    submit: 'Remove node',
  },
};
