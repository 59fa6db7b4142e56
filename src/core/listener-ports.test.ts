import { expect, test } from 'vitest';
import { sampleId, sampleListener, sampleNewListener } from '../../test/support/samples.ts';
import { AppError } from './errors.ts';
import type { Listener, Protocol } from './listener.ts';
import {
  assertPlaceAllowed,
  assertPortAllowed,
  findConflict,
  type HostedListener,
  holderWords,
  type PortRules,
  portsToDraw,
} from './listener-ports.ts';
import { defaultProject, projectRef } from './project.ts';
import { noTerms } from './quotas.ts';

const rules: PortRules = {
  reservedPorts: [8080, 50_051],
  isPrivilegedAllowed: false,
  drawnFrom: null,
  listenHost: '127.0.0.1',
};

function refusal(port: number, protocol: Protocol = 'tcp', by = rules): string | null {
  try {
    assertPortAllowed(sampleNewListener({ port, protocol }), by);
    return null;
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
}

test('the ports of our own edges are reserved, but not for udp', () => {
  expect(refusal(8080)).toBe('port_reserved');
  expect(refusal(50_051, 'tls')).toBe('port_reserved');
  expect(refusal(8080, 'udp')).toBeNull();
});

test('ports below 1024 want permission', () => {
  expect(refusal(1)).toBe('port_privileged');
  expect(refusal(1023, 'udp')).toBe('port_privileged');
  expect(refusal(1024)).toBeNull();
  expect(refusal(80, 'tcp', { ...rules, isPrivilegedAllowed: true })).toBeNull();
});

test('a port of the choice of the kernel is always allowed', () => {
  expect(refusal(0)).toBeNull();
});

function placeRefusal(
  place: Partial<HostedListener>,
  given: Partial<PortRules> = {},
  { project = projectRef(2), bindHosts = null as readonly string[] | null } = {},
): string | null {
  const terms = { ...noTerms, bindHosts };
  try {
    assertPlaceAllowed(sampleNewListener(place), { ...rules, ...given }, project, terms);
    return null;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return [error.code, ...(error.details.errors ?? []).map(({ path }) => path)].join(' ');
  }
}

test('beside the default project others listen on the ports for all, where these are named', () => {
  const drawn = { drawnFrom: { from: 20_000, to: 20_099 } };
  expect([0, 20_000, 20_099].map((port) => placeRefusal({ port }, drawn))).toEqual([
    ...[null, null, null],
  ]);
  expect([19_999, 20_100].map((port) => placeRefusal({ port }, drawn))).toEqual([
    ...['port_reserved port', 'port_reserved port'],
  ]);
  expect(placeRefusal({ port: 7000 })).toBeNull();
  expect(placeRefusal({ port: 7000 }, drawn, { project: defaultProject })).toBeNull();
});

test('a project listens at the hosts that it is let', () => {
  const at = (host: string, ...bindHosts: string[]) => placeRefusal({ host }, {}, { bindHosts });
  expect(at('10.1.2.3', '10.0.0.0/8')).toBeNull();
  expect(at('11.1.2.3', '10.0.0.0/8', '::1')).toBe('permission_denied host');
  expect(at('0.0.0.0', '10.0.0.0/8')).toBe('permission_denied host');
  expect(at('0.0.0.0', '0.0.0.0/0')).toBeNull();
  // It is the wildcard of both.
  expect(at('::', '::/0')).toBe('permission_denied host');
  expect(at('::', '::/0', '0.0.0.0/0')).toBeNull();
});

test('loopback is the default project’s alone where others have an address', () => {
  const out = { listenHost: '0.0.0.0' };
  expect(placeRefusal({ host: '127.0.0.1' })).toBeNull();
  expect(placeRefusal({ host: '127.0.0.9' }, out)).toBe('permission_denied host');
  expect(placeRefusal({ host: '::1' }, out)).toBe('permission_denied host');
  expect(placeRefusal({ host: '0.0.0.0' }, out)).toBeNull();
  expect(placeRefusal({ host: '127.0.0.1' }, out, { project: defaultProject })).toBeNull();
});

function conflicts(wanted: Partial<Listener>, other: Partial<Listener>): boolean {
  const laddr = null;
  const one = sampleListener({ id: sampleId(1), port: 7000, laddr, ...wanted });
  const two = sampleListener({ id: sampleId(2), port: 7000, laddr, ...other });
  return findConflict(one, [one, two]) === two;
}

test('two listeners of one address and port stand in the way of each other', () => {
  expect(conflicts({}, {})).toBe(true);
  expect(conflicts({ protocol: 'tls' }, {})).toBe(true);
  expect(conflicts({ protocol: 'udp' }, { protocol: 'udp' })).toBe(true);
});

test('another port, another address or another transport is free', () => {
  expect(conflicts({ port: 7001 }, {})).toBe(false);
  expect(conflicts({ host: '127.0.0.2' }, {})).toBe(false);
  expect(conflicts({ protocol: 'udp' }, {})).toBe(false);
  expect(conflicts({ protocol: 'udp' }, { protocol: 'tls' })).toBe(false);
});

test('a wildcard covers the addresses of its family, and :: those of both', () => {
  expect(conflicts({ host: '0.0.0.0' }, {})).toBe(true);
  expect(conflicts({}, { host: '0.0.0.0' })).toBe(true);
  expect(conflicts({ host: '0.0.0.0' }, { host: '::1' })).toBe(false);
  expect(conflicts({ host: '::1' }, { host: '0.0.0.0' })).toBe(false);
  expect(conflicts({ host: '::' }, {})).toBe(true);
  expect(conflicts({ host: '0.0.0.0' }, { host: '::' })).toBe(true);
});

test('what counts is the port that was really bound', () => {
  expect(conflicts({}, { port: 0, laddr: { ip: '127.0.0.1', port: 7000 } })).toBe(true);
});

test('a port of the choice of the kernel stands in no one’s way, and no listener in its own', () => {
  expect(conflicts({ port: 0 }, { port: 0 })).toBe(false);
  const one = sampleListener({ port: 7000 });
  expect(findConflict(one, [one])).toBeNull();
});

test('a draw offers each port of its range once, but those that are taken or reserved', () => {
  const drawn = { ...rules, drawnFrom: { from: 8078, to: 8082 } };
  const taken = sampleListener({ id: sampleId(2), port: 0, laddr: { ip: '::', port: 8081 } });
  const draw = (protocol: Protocol, host: string, start: number) => [
    ...portsToDraw({ id: sampleId(1), host, protocol }, [taken], drawn, start),
  ];
  expect(draw('tcp', '127.0.0.1', 0)).toEqual([8078, 8079, 8082]);
  expect(draw('tls', '127.0.0.1', 4)).toEqual([8082, 8078, 8079]);
  expect(draw('tcp', '127.0.0.2', 0)).toEqual([8078, 8079, 8081, 8082]);
  expect(draw('udp', '127.0.0.1', 0)).toEqual([8078, 8079, 8080, 8081, 8082]);
});

test('of what listens where an edge was to, only the listener that stands in its way is named', () => {
  const web = listening({ name: 'web' });
  const edge = { host: '127.0.0.1', port: 4000 };
  const words = `: listener web (${web.id}) has it, and can be deleted once this port is another`;
  expect(holderWords(edge, [listening({ host: '127.0.0.2' }), web])).toBe(words);
  expect(holderWords({ ...edge, host: 'localhost' }, [web])).toBe(words);
  expect(holderWords({ ...edge, host: '::1' }, [web])).toBe('');
  expect(holderWords({ ...edge, port: 4001 }, [web])).toBe('');
  expect(holderWords(edge, [listening({ protocol: 'udp' })])).toBe('');
  expect(holderWords(edge, [listening({ state: 'failed' })])).toBe('');
});

function listening(more: Partial<Listener>): Listener {
  return sampleListener({
    host: '127.0.0.1',
    port: 4000,
    laddr: null,
    state: 'listening',
    ...more,
  });
}
