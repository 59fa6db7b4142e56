import { expect, test } from 'vitest';
import { AppError } from '../core/errors.ts';
import { defaultBounds } from '../core/listener-bounds.ts';
import { listenerSchemas, toBatch, toListenerPatch, toNewListener } from './listener-input.ts';
import { parse } from './parse.ts';

const now = 1_700_000_000_000_000;
const schemas = listenerSchemas(defaultBounds);
const create = (input: object) =>
  toNewListener(parse(schemas.newListener, input), defaultBounds, now);
const change = (input: object) => toListenerPatch(parse(schemas.patch, input), defaultBounds, now);
const batch = (input: object) => toBatch(parse(schemas.batch, input), defaultBounds, now);

function pathsOf(work: () => unknown): readonly string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return (error.details.errors ?? []).map(({ path }) => path);
    throw error;
  }
  return [];
}

test('a time to live is from now, be it a millisecond', () => {
  expect(create({ ttlMs: 1 }).expiresAt).toBe(now + 1000);
  expect(change({ ttlMs: 1 }).expiresAt).toBe(now + 1000);
  for (const input of [{ ttlMs: null }, { ttlMs: null, expiresAt: null }]) {
    expect(change(input).expiresAt).toBe(null);
  }
  expect(change({ expiresAt: null })).toEqual({ expiresAt: null });
  expect(change({})).toEqual({});
});

test('a change takes null for whatever it may set: a bound goes, and what each has is as by default', () => {
  const { limits } = create({});
  expect(change({ name: null, labels: null, faults: null })).toEqual({
    ...{ name: null, labels: {}, faults: [] },
  });
  const kept = ['maxConnections', 'udpIdleTimeoutMs', 'allowCidrs', 'denyCidrs'];
  for (const [limit, value] of Object.entries(limits)) {
    const cleared = kept.includes(limit) ? value : null;
    expect(change({ limits: { [limit]: null } })).toEqual({ limits: { [limit]: cleared } });
    expect(change({ limits: null }).limits).toHaveProperty(limit, cleared);
  }
});

test('an expiry in the past is refused by its place', () => {
  const past = { expiresAt: new Date(now / 1000).toISOString() };
  expect(pathsOf(() => create(past))).toEqual(['expiresAt']);
  expect(pathsOf(() => change(past))).toEqual(['expiresAt']);
  expect(pathsOf(() => batch({ listeners: [{}, past] }))).toEqual(['listeners[1].expiresAt']);
  expect(pathsOf(() => batch({ ports: { from: 4000, to: 4001 }, ...past }))).toEqual(['expiresAt']);
  const next = { expiresAt: new Date(now / 1000 + 1).toISOString() };
  expect(create(next).expiresAt).toBe(now + 1000);
});

test('a range is one listener for each port of it, both ends in it', () => {
  const made = batch({ ports: { from: 4000, to: 4002 }, labels: { of: 'range' } });
  expect(made.map(({ port, labels }) => [port, labels])).toEqual(
    [4000, 4001, 4002].map((port) => [port, { of: 'range' }]),
  );
});

test('text in any language may stand around PEM, control characters may not', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  const tls = (text: string) => ({
    protocol: 'tls',
    tls: { cert: `${text}\r\n\t${pem}`, key: pem },
  });
  expect(create(tls('issuer: Türkiye 木霊 🍃')).tls?.cert).toContain('木霊');
  for (const text of ['\0', '\u0007', '\ud800']) {
    expect(pathsOf(() => create(tls(text)))).toEqual(['tls.cert']);
  }
});
