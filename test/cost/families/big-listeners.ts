/** Listeners with specs as big as they may be: made, changed, and read in pages over both edges. */
import fc from 'fast-check';
import { call, want } from '../../support/rest-client.ts';
import type { CostWorld, Target } from '../cost-world.ts';
import { exchange, together } from '../exchange.ts';
import { type Family, family } from '../family.ts';
import { life, noise } from './body-places.ts';
import { callWith, varint } from './grpc-calls.ts';

const bigAnswerBytes = 2 << 20;

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
const biggest: BigSpec = { cidrs: 256, labels: 32, banners: 16, bannerChars: 60_000 };

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
  bounds: { loop: 16, wal: 8, answerBytes: bigAnswerBytes },
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
  bounds: { loop: 16, wal: 8, answerBytes: bigAnswerBytes },
  send(target, { count, spec }) {
    const one = JSON.stringify(specOf(spec));
    const fitting = Math.max(1, Math.min(count, Math.floor(1_000_000 / one.length)));
    const body = `{"listeners":[${Array.from({ length: fitting }, () => one).join(',')}]}`;
    return life(target, { method: 'POST', path: '/v1/listeners:batch', body });
  },
});

const bigName = 'big';
let bigSpecBytes = 0;

async function create(world: CostWorld, spec: object): Promise<number> {
  const ask = { method: 'POST', path: '/v1/listeners', body: JSON.stringify(spec) };
  return (await exchange(world.url, ask)).status;
}

/** As big as a spec may be: where one is too big, half of it is tried. */
async function makeBig(world: CostWorld): Promise<void> {
  await call(world, 'DELETE', `/v1/listeners/${bigName}`);
  for (let part = 1; part > 0.01; part /= 2) {
    const scaled = Object.entries(biggest).map(([key, most]) => [key, Math.ceil(most * part)]);
    const spec = { ...specOf(Object.fromEntries(scaled)), name: bigName };
    bigSpecBytes = JSON.stringify(spec).length;
    if ((await create(world, spec)) === 201) return;
  }
  throw new Error('no listener with any spec was made');
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
  bounds: { loop: 8, wal: 3, answerBytes: bigAnswerBytes },
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

/** A page of most items over each edge: a path of REST, or a method of gRPC with the number of its field page_size. */
const restPages = [
  '/v1/listeners?pageSize=1000',
  '/v1/listeners?state=closed&pageSize=1000',
  '/v1/events?afterSeq=0&pageSize=1000',
  '/v1/events?afterSeq=0&pageSize=1000&type=listener_updated',
  '/v1/connections?pageSize=1000',
];
const grpcPages: Readonly<Record<string, number>> = {
  '/kodama.v1.ListenerService/ListListeners': 5,
  '/kodama.v1.EventService/ListEvents': 3,
};
const pagesOf = [...restPages, ...Object.keys(grpcPages)];
const pageSizeMax = 1000;

const pages = family({
  name: 'pages of big listeners and of their events',
  inputs: fc.record({ page: fc.constantFrom(...pagesOf) }),
  worst: pagesOf.map((page) => ({ page })),
  runs: pagesOf.length,
  // A page may be of so many bytes, whatever its items weigh; each is read, converted and written.
  bounds: { loop: 8, wal: 1, answerBytes: 8 << 20 },
  async prepare(world) {
    for (let n = 0; n < 20; n += 1) await create(world, specOf(biggest));
    await makeBig(world);
    for (let n = 0; n < 20; n += 1) {
      await want(200, world, 'PATCH', `/v1/listeners/${bigName}`, { labels: { n: String(n) } });
    }
  },
  async send(target: Target, { page }) {
    const pageSizeField = grpcPages[page];
    const answer =
      pageSizeField === undefined
        ? await exchange(target.url, { method: 'GET', path: page })
        : await callWith(target, page, varint(pageSizeField, pageSizeMax));
    return { ...answer, aboutBytes: answer.bytesOut };
  },
});

export const bigListeners: readonly Family[] = [bigCreates, bigBatches, patches, pages];
