/** What is dear elsewhere than in reading a body: certificates, query strings, keys that are kept. */
import fc from 'fast-check';
import { generate } from 'selfsigned';
import { defaultBounds } from '../../../src/core/listener-bounds.ts';
import { exchange, together } from '../exchange.ts';
import { type Family, family } from '../family.ts';
import { life, noise } from './body-places.ts';

const answerBytes = 65_536;
const { certificatesMax } = defaultBounds;

const { cert, private: key } = await generate([{ name: 'commonName', value: 'cost' }], {
  keyType: 'ec',
  curve: 'P-256',
  algorithm: 'sha256',
});
const pemForms: Readonly<Record<string, string>> = {
  chain: cert,
  beginOnly: '-----BEGIN CERTIFICATE-----\n',
  garbage: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  wrongWord: '-----BEGIN AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  lines: `-----BEGIN CERTIFICATE-----\n${'A\n'.repeat(1000)}`,
  key,
};
const pemForm = fc.constantFrom(...Object.keys(pemForms));

const pemChains = family({
  name: 'PEM chains of all sizes and kinds',
  inputs: fc.record({
    cert: pemForm,
    ca: pemForm,
    chars: fc.integer({ min: 1, max: 65_536 }),
    hasKey: fc.boolean(),
    clientAuth: fc.constantFrom('none', 'request', 'require'),
  }),
  worst: [
    { cert: 'chain', ca: 'chain', chars: 65_536, hasKey: true, clientAuth: 'require' },
    { cert: 'beginOnly', ca: 'garbage', chars: 65_536, hasKey: true, clientAuth: 'none' },
  ],
  runs: 25,
  // So many certificates as may be are parsed, in the control plane and in the worker; what is made is bound and written.
  bounds: { loop: 40, wal: 8, answerBytes: 262_144 },
  send(target, { cert: certForm, ca, chars, hasKey, clientAuth }) {
    const text = (form: string) => {
      const unit = pemForms[form] ?? '';
      const most = form === 'chain' ? certificatesMax : chars;
      return unit.repeat(Math.max(1, Math.min(most, Math.floor(chars / unit.length))));
    };
    const tls = {
      cert: text(certForm),
      ...(hasKey ? { key } : {}),
      ca: text(ca),
      clientAuth,
    };
    const body = JSON.stringify({ protocol: 'tls', tls });
    return life(target, { method: 'POST', path: '/v1/listeners', body });
  },
});

const queryPaths = ['listeners', 'connections', 'events'] as const;
/** A little below the most that the head of a request may hold. */
const queryBytesMax = 15_000;

const queryStrings = family({
  name: 'query strings, thirty at a time',
  inputs: fc.record({
    path: fc.constantFrom(...queryPaths),
    field: fc.constantFrom(
      '',
      'x',
      'label',
      'type',
      'remoteCidr',
      'listenerId',
      'pageToken',
      'raddr',
    ),
    value: fc.constantFrom('', '1', 'a=b', '%41', '%zz', '10.0.0.0/8', '%F0%9F%91%A9', '+'),
    repeats: fc.integer({ min: 1, max: 3000 }),
    isNumbered: fc.boolean(),
  }),
  worst: [
    { path: 'events', field: 'remoteCidr', value: '10.0.0.0/8', repeats: 3000, isNumbered: false },
    { path: 'listeners', field: 'x', value: '', repeats: 3000, isNumbered: true },
    { path: 'listeners', field: 'label', value: 'a=b', repeats: 3000, isNumbered: false },
  ],
  runs: 30,
  // Each is a call that may read from the database; a page of a few small items comes back.
  bounds: { loop: 6, wal: 1, answerBytes },
  async send(target, { path, field, value, repeats, isNumbered }) {
    const pairs: string[] = [];
    for (let n = 0, bytes = 0; n < repeats && bytes < queryBytesMax; n += 1) {
      const pair = `${field}${isNumbered ? n : ''}=${value}`;
      bytes += pair.length + 1;
      pairs.push(pair);
    }
    const ask = { method: 'GET', path: `/v1/${path}?${pairs.join('&')}` };
    const sent = [];
    for (let n = 0; n < 30; n += 1) sent.push(await exchange(target.url, ask));
    return together(sent);
  },
});

const idempotencyKeys = family({
  name: 'idempotency keys, new and repeated',
  inputs: fc.record({
    bodyChars: fc.nat({ max: 900_000 }),
    isRefused: fc.boolean(),
    repeats: fc.integer({ min: 1, max: 5 }),
    isKeyNew: fc.boolean(),
  }),
  worst: [
    { bodyChars: 900_000, isRefused: true, repeats: 5, isKeyNew: true },
    { bodyChars: 200, isRefused: false, repeats: 5, isKeyNew: true },
  ],
  runs: 20,
  // The body is digested, too, and its key is looked up and kept: two small commits.
  bounds: { loop: 8, wal: 8, answerBytes },
  async send(target, { bodyChars, isRefused, repeats, isKeyNew }) {
    const body = isRefused
      ? JSON.stringify({ name: noise(bodyChars) })
      : JSON.stringify({ labels: { noise: noise(Math.min(bodyChars, 255)) } });
    const first = noise(40);
    const sent = [];
    for (let n = 0; n < repeats; n += 1) {
      const headers = { 'idempotency-key': isKeyNew ? noise(255) : first };
      sent.push(await life(target, { method: 'POST', path: '/v1/listeners', headers, body }));
    }
    return together(sent);
  },
});

export const restCalls: readonly Family[] = [pemChains, queryStrings, idempotencyKeys];
