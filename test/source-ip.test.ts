/** Whom a call comes from, on both edges: its peer, or whom a proxy of ours names. */
import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import type { Caller } from '../src/core/caller.ts';
import { AppError } from '../src/core/errors.ts';
import { call as grpcCall, grpcClient } from './support/grpc-client.ts';
import { startGrpcEdge } from './support/grpc-edge.ts';
import { rawHttp } from './support/raw-http.ts';
import { restEdge } from './support/rest-edge.ts';

const id = '01890000-0000-7000-8000-000000000000';

/** Notes where each call came from. */
function noting() {
  const sources: (string | null)[] = [];
  const getListener = async ({ sourceIp }: Caller): Promise<never> => {
    sources.push(sourceIp);
    throw new AppError('not_found', 'there is none');
  };
  return { sources, control: { getListener } };
}

async function restSources(trustedProxies: readonly string[], headers: readonly string[]) {
  const { sources, control } = noting();
  await using edge = await restEdge({ control, forwarding: { trustedProxies, hopsMax: 32 } });
  const lines = headers.map((value) => `x-forwarded-for: ${value}\r\n`).join('');
  const ask = `GET /v1/listeners/${id} HTTP/1.1\r\nhost: localhost\r\n${lines}connection: close\r\n\r\n`;
  const { status } = await rawHttp(edge.port, ask);
  return { sources, status };
}

async function grpcSources(trustedProxies: readonly string[], headers: readonly string[]) {
  const { sources, control } = noting();
  await using edge = await startGrpcEdge(control, { trustedProxies });
  using client = grpcClient(edge.address);
  const metadata = new Metadata();
  for (const value of headers) metadata.add('x-forwarded-for', value);
  await grpcCall((done) => client.listeners.GetListener({ id }, metadata, done)).catch(
    (error: ServiceError) => error,
  );
  return sources;
}

const ours = ['127.0.0.0/8', '10.0.0.0/8'];

test.each([
  { from: 'nobody in between', proxies: [], headers: [], source: '127.0.0.1' },
  { from: 'a stranger with a header', proxies: [], headers: ['203.0.113.7'], source: '127.0.0.1' },
  { from: 'a proxy', proxies: ours, headers: ['203.0.113.7'], source: '203.0.113.7' },
  {
    from: 'two proxies, and a client who wrote one more',
    proxies: ours,
    headers: ['192.0.2.1, 203.0.113.7', '10.1.1.1'],
    source: '203.0.113.7',
  },
  { from: 'a proxy with garbage', proxies: ours, headers: ['203.0.113.7, x'], source: '127.0.0.1' },
  {
    from: 'a proxy with all that a header holds',
    proxies: ours,
    headers: [`${'10.0.0.2,'.repeat(1000)}203.0.113.7`],
    source: '203.0.113.7',
  },
])('both edges see $source behind $from', async ({ proxies, headers, source }) => {
  const rest = await restSources(proxies, headers);
  expect(rest).toEqual({ sources: [source], status: 404 });
  expect(await grpcSources(proxies, headers)).toEqual([source]);
});

test('a header that is too long is refused before anybody reads it', async () => {
  const { sources, status } = await restSources(ours, ['10.0.0.2,'.repeat(10_000)]);
  expect({ sources, status }).toEqual({ sources: [], status: 431 });
});
