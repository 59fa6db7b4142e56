import { expect, test } from 'vitest';
import { connectionView, listenerView } from '../../test/support/console-views.ts';
import type { ConnectionView } from '../http/resources.ts';
import { listeningId } from './descriptors.ts';
import { findFacts, type Scene } from './facts.ts';
import { OpenConnections } from './open-connections.ts';
import { english } from './words-english.ts';
import { japanese } from './words-japanese.ts';

const socket = { pid: 100, fd: 20 };
const here = { nodeId: 'node-1', ...socket };

function scene(open: readonly ConnectionView[], given: Partial<Scene> = {}): Scene {
  const listener = listenerView({ sockets: [socket] });
  return { listener, open: new OpenConnections(open), closed: [], ...given };
}

const kinds = (one: Scene) => findFacts(one).map(({ kind }) => kind);
const at = (n: number, ip: string, port: number, given: Partial<ConnectionView> = {}) =>
  connectionView(n, { raddr: { ip, port }, ...given });

test('of nothing, nothing is said', () => {
  expect(kinds(scene([]))).toEqual([]);
});

test('one client shows what accept makes', () => {
  const one = connectionView(1);
  expect(findFacts(scene([one]))).toEqual([
    {
      kind: 'accepted',
      fd: 21,
      raddr: '127.0.0.2:40001',
      listeningFd: 20,
      proof: [one.id, listeningId(here)],
    },
  ]);
});

test('two hosts with one port are told apart by the pair', () => {
  const [one, other] = [at(1, '127.0.0.3', 9783), at(2, '127.0.0.2', 9783)];
  const facts = findFacts(scene([one, other]));
  expect(facts).toContainEqual({
    kind: 'same_port',
    port: 9783,
    hosts: ['127.0.0.2', '127.0.0.3'],
    proof: [other.id, one.id],
  });
  expect(facts.map(({ kind }) => kind)).toEqual(['one_port', 'same_port']);
});

test('two clients of one host have ports of their own', () => {
  const facts = findFacts(scene([at(1, '127.0.0.1', 1001), at(2, '127.0.0.1', 1002)]));
  expect(facts).toContainEqual({
    kind: 'same_host',
    host: '127.0.0.1',
    count: 2,
    ports: [1001, 1002],
    proof: [connectionView(1).id, connectionView(2).id],
  });
  expect(facts.map(({ kind }) => kind)).not.toContain('same_port');
});

test('one fd in two processes, and not in one', () => {
  const [one, other] = [connectionView(1, { fd: 24 }), connectionView(2, { fd: 24, pid: 99 })];
  expect(findFacts(scene([one, other]))).toContainEqual({
    kind: 'same_fd',
    fd: 24,
    processes: [
      { nodeId: 'node-1', pid: 99 },
      { nodeId: 'node-1', pid: 100 },
    ],
    proof: [one.id, other.id],
  });
  expect(kinds(scene([one, connectionView(2)]))).not.toContain('same_fd');
});

test('an fd that was freed is used again, in its own process only', () => {
  const before = connectionView(1, { fd: 24, state: 'closed', closeReason: 'peer_fin' });
  const now = connectionView(2, { fd: 24 });
  expect(findFacts(scene([now], { closed: [before] }))).toContainEqual({
    kind: 'fd_again',
    pid: 100,
    fd: 24,
    before: '127.0.0.2:40001',
    now: '127.0.0.2:40002',
    proof: [before.id, now.id],
  });
  const elsewhere = { ...before, pid: 7 };
  expect(kinds(scene([now], { closed: [elsewhere] }))).not.toContain('fd_again');
});

test('processes of two nodes are two, whatever their pids are', () => {
  const [one, other] = [
    at(1, '127.0.0.1', 1001, { fd: 24 }),
    at(2, '127.0.0.1', 1002, { fd: 24, nodeId: 'node-2' }),
  ];
  const facts = findFacts(scene([one, other]));
  const processes = [
    { nodeId: 'node-1', pid: 100 },
    { nodeId: 'node-2', pid: 100 },
  ];
  const proof = [one.id, other.id];
  expect(facts).toContainEqual({ kind: 'same_fd', fd: 24, processes, proof });
  // And 127.0.0.1 of one is not that of the other.
  expect(facts.map(({ kind }) => kind)).not.toContain('same_host');
  const said = (words: typeof english) =>
    facts.map((fact) => words.facts(fact, (nodeId) => `the ${nodeId}`)).join(' ');
  expect(said(english)).toContain('pid 100 on the node-1 and pid 100 on the node-2');
  expect(said(japanese)).toContain('the node-1 の pid 100 と the node-2 の pid 100');
  const freed = { ...other, state: 'closed' as const };
  expect(kinds(scene([one], { closed: [freed] }))).not.toContain('fd_again');
  // Nor is the listening socket of one that of the other.
  expect(kinds(scene([other]))).not.toContain('accepted');
});

test('a half-close, a reset and a declared address are told', () => {
  const half = connectionView(1, { state: 'half_closed' });
  const reset = connectionView(2, { state: 'closed', closeReason: 'peer_rst' });
  const declared = connectionView(3, { declaredRaddr: { ip: '2001:db8::1', port: 5 } });
  const found = findFacts(scene([half, declared], { closed: [reset] }));
  expect(found).toContainEqual({ kind: 'half_closed', raddr: '127.0.0.2:40001', proof: [half.id] });
  expect(found).toContainEqual({ kind: 'reset', raddr: '127.0.0.2:40002', proof: [reset.id] });
  expect(found).toContainEqual({
    kind: 'declared',
    raddr: '127.0.0.2:40003',
    declared: '[2001:db8::1]:5',
    proof: [declared.id],
  });
});

test('the sessions of UDP have one socket', () => {
  const open = [1, 2].map((n) => connectionView(n, { ...socket, protocol: 'udp' }));
  const listener = listenerView({ protocol: 'udp', sockets: [socket] });
  expect(findFacts(scene(open, { listener }))[0]).toEqual({
    kind: 'udp',
    fd: 20,
    count: 2,
    proof: [...open.map(({ id }) => id), listeningId(here)],
  });
});

test('a client whose address is not known proves nothing by it', () => {
  const open = [1, 2].map((n) => connectionView(n, { raddr: null }));
  expect(kinds(scene(open))).toEqual(['one_port']);
});

test('each has a sentence in both languages, with what it is about', () => {
  const before = connectionView(1, { fd: 24, state: 'closed', closeReason: 'peer_rst' });
  const open = [
    at(2, '127.0.0.2', 9783, { fd: 24 }),
    at(3, '127.0.0.3', 9783, { fd: 24, pid: 99, state: 'half_closed' }),
    at(4, '127.0.0.3', 9784, { declaredRaddr: { ip: '203.0.113.7', port: 1 } }),
  ];
  const facts = findFacts(scene(open, { closed: [before] }));
  expect(facts).toHaveLength(8);
  for (const words of [english, japanese]) {
    const sentences = facts.map((fact) => words.facts(fact, (nodeId) => nodeId));
    expect(new Set(sentences).size).toBe(facts.length);
    expect(sentences.join(' ')).not.toMatch(/undefined|null|NaN|\[object/);
    expect(sentences[1]).toContain('9783');
  }
});
