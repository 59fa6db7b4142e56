import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { emptyForm, listenerBody, listenerYaml, randomKey } from './new-listener.ts';

test('an empty form is an empty request, which is an echo at any free port', () => {
  expect(listenerBody(emptyForm)).toEqual({});
});

test('what is given is asked for, and what is no number the API is left to refuse', () => {
  const form = { ...emptyForm, name: ' edge ', port: '9000', mode: 'info', ttlMs: '60000' };
  const more = { maxConnections: 'ten', proxy: 'required', recording: 'durable', cert: 'PEM' };
  expect(listenerBody({ ...form, ...more })).toEqual({
    ...{ name: 'edge', port: 9000, mode: 'info', ttlMs: 60_000, recording: 'durable' },
    ...{ limits: { maxConnections: 'ten' }, proxyProtocol: { mode: 'required' } },
  });
  expect(listenerBody({ ...emptyForm, node: 'dmz-1' })).toEqual({ placement: { node: 'dmz-1' } });
  expect(listenerBody({ ...emptyForm, protocol: 'tls', cert: 'a', key: 'b' })).toEqual({
    protocol: 'tls',
    tls: { cert: 'a', key: 'b' },
  });
});

test('faults are asked for as they stand in the list', () => {
  const faults = [
    { type: 'latency', delayMs: 9 },
    { type: 'limit', bytes: 'many' },
  ];
  const body = listenerBody({ ...emptyForm, name: 'slow' }, faults);
  expect(body).toEqual({ name: 'slow', faults });
  expect(parse(listenerYaml(body))).toEqual({ listeners: [body] });
});

test('the file says the same, without an end', () => {
  const body = { name: 'edge', port: 9000, tls: { cert: 'a\nb: "c"\n' }, limits: { maxBytes: 9 } };
  expect(parse(listenerYaml({ ...body, ttlMs: 5 }))).toEqual({ listeners: [body] });
});

test('no two dialogs have the same key', () => {
  expect(randomKey()).toMatch(/^[0-9a-f]{32}$/);
  expect(randomKey()).not.toBe(randomKey());
});
