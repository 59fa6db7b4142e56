/** What is dear elsewhere than in reading a body: certificates, query strings, keys, changes, pages. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { generate } from 'selfsigned';
import { want } from '../../support/rest-client.ts';
import type { CostWorld, Target } from '../cost-world.ts';
import { exchange, together } from '../exchange.ts';
import { type Family, family } from '../family.ts';
import { life } from './body-places.ts';

const answerBytes = 65_536;

/** Characters that no compression makes smaller by much: what is written of them is what they weigh. */
function noise(chars: number): string {
  return randomBytes(Math.ceil((chars * 3) / 4))
    .toString('base64url')
    .slice(0, chars);
}

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
  // A hundred certificates are parsed, in the control plane and in the worker; what is made is bound and written.
  bounds: { loop: 40, wal: 8, answerBytes: 262_144 },
  send(target, { cert: certForm, ca, chars, hasKey, clientAuth }) {
    const text = (form: string) => {
      const unit = pemForms[form] ?? '';
      return unit.repeat(Math.max(1, Math.floor(chars / unit.length)));
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

interface BigSpec {
  readonly cidrs: number;
  readonly labels: number;
  readonly banners: number;
  readonly bannerChars: number;
}

const bigSpecs = fc.record({
  cidrs: fc.nat({ max: 256 }),
  labels: fc.nat({ max: 32 }),
  banners: fc.nat({ max: 16 }),
  bannerChars: fc.integer({ min: 1, max: 60_000 }),
});
const biggest = { cidrs: 256, labels: 32, banners: 16, bannerChars: 60_000 };

function specOf({ cidrs, labels, banners, bannerChars }: BigSpec): object {
  const networks = Array.from({ length: cidrs }, (_, n) => `10.${n}.0.0/16`);
  const banner = () => ({ type: 'banner', text: noise(bannerChars), delayMs: 1 });
  return {
    labels: Object.fromEntries(Array.from({ length: labels }, (_, n) => [`l${n}`, noise(255)])),
    limits: { allowCidrs: networks, denyCidrs: networks },
    faults: Array.from({ length: banners }, banner),
  };
}

const bigCreates = family({
  name: 'listeners with big specs, from create to delete',
  inputs: bigSpecs,
  worst: [biggest],
  runs: 15,
  // Bound, served, ended, each with its event: what a listener is goes to its row, its worker and its log.
  bounds: { loop: 16, wal: 8, answerBytes: 2 << 20 },
  send: (target, spec) =>
    life(target, { method: 'POST', path: '/v1/listeners', body: JSON.stringify(specOf(spec)) }),
});

const bigBatches = family({
  name: 'batches of up to a hundred listeners, with what specs fit',
  inputs: fc.record({ count: fc.integer({ min: 1, max: 100 }), spec: bigSpecs }),
  worst: [
    { count: 100, spec: { cidrs: 100, labels: 20, banners: 2, bannerChars: 100 } },
    { count: 100, spec: { cidrs: 0, labels: 0, banners: 0, bannerChars: 1 } },
  ],
  runs: 8,
  // A delete is a call of its own, and each of both binds or frees a port in the worker.
  bounds: { loop: 16, wal: 8, answerBytes: 2 << 20 },
  send(target, { count, spec }) {
    const one = JSON.stringify(specOf(spec));
    const fitting = Math.max(1, Math.min(count, Math.floor(1_000_000 / one.length)));
    const body = `{"listeners":[${Array.from({ length: fitting }, () => one).join(',')}]}`;
    return life(target, { method: 'POST', path: '/v1/listeners:batch', body });
  },
});

const bigName = 'big';
let bigSpecBytes = 0;

async function makeBig(world: CostWorld): Promise<void> {
  const spec = { ...specOf({ ...biggest, bannerChars: 50_000 }), name: bigName };
  bigSpecBytes = JSON.stringify(spec).length;
  const { status } = await exchange(world.url, {
    method: 'POST',
    path: '/v1/listeners',
    body: JSON.stringify(spec),
  });
  // A ceiling of specs may lie lower: then as big as that lets it be.
  if (status === 201) return;
  const smaller = { ...specOf({ cidrs: 100, labels: 10, banners: 2, bannerChars: 5000 }) };
  bigSpecBytes = JSON.stringify(smaller).length;
  await want(201, world, 'POST', '/v1/listeners', { ...smaller, name: bigName });
}

const patches = family({
  name: 'changes of a big listener that change little or nothing',
  inputs: fc.record({
    change: fc.constantFrom('nothing', 'label', 'limit', 'expiry', 'same name', 'wrong'),
    times: fc.integer({ min: 1, max: 5 }),
  }),
  worst: [
    { change: 'nothing', times: 5 },
    { change: 'label', times: 5 },
  ],
  runs: 10,
  // The listener is written to its row and its event, and is what the answer shows.
  bounds: { loop: 8, wal: 3, answerBytes: 2 << 20 },
  prepare: makeBig,
  async send(target, { change, times }) {
    const bodies: Readonly<Record<string, object>> = {
      nothing: {},
      label: { labels: { a: noise(200) } },
      limit: { limits: { maxBytes: 1_000_000 } },
      expiry: { ttlMs: 3_600_000 },
      'same name': { name: bigName },
      wrong: { nope: 1 },
    };
    const ask = {
      method: 'PATCH',
      path: `/v1/listeners/${bigName}`,
      body: JSON.stringify(bodies[change]),
    };
    const sent = [];
    for (let n = 0; n < times; n += 1) sent.push(await exchange(target.url, ask));
    return { ...together(sent), aboutBytes: bigSpecBytes * times };
  },
});

const pagePaths = [
  '/v1/listeners?pageSize=1000',
  '/v1/listeners?state=closed&pageSize=1000',
  '/v1/events?afterSeq=0&pageSize=1000',
  '/v1/events?afterSeq=0&pageSize=1000&type=listener_updated',
  '/v1/connections?pageSize=1000',
] as const;

const pages = family({
  name: 'pages of big listeners and of their events',
  inputs: fc.record({ path: fc.constantFrom(...pagePaths) }),
  worst: pagePaths.map((path) => ({ path })),
  runs: 5,
  // A page may be of so many bytes, whatever its items weigh; each is read, converted and written.
  bounds: { loop: 8, wal: 1, answerBytes: 8 << 20 },
  async prepare(world) {
    for (let n = 0; n < 20; n += 1) {
      const body = JSON.stringify(specOf(biggest));
      await exchange(world.url, { method: 'POST', path: '/v1/listeners', body });
    }
    await makeBig(world);
    for (let n = 0; n < 20; n += 1) {
      await want(200, world, 'PATCH', `/v1/listeners/${bigName}`, { labels: { n: String(n) } });
    }
  },
  async send(target: Target, { path }) {
    const answer = await exchange(target.url, { method: 'GET', path });
    return { ...answer, aboutBytes: answer.bytesOut };
  },
});

export const restCalls: readonly Family[] = [
  pemChains,
  queryStrings,
  idempotencyKeys,
  bigCreates,
  bigBatches,
  patches,
  pages,
];
