/** A kodama whose listeners soon are too many bytes, and its refusals as each edge words them. */
import type { ServiceError } from '@grpc/grpc-js';
import { beforeAll } from 'vitest';
import { type GrpcClient, call as grpcCall, grpcClient } from './grpc-client.ts';
import { call, want } from './rest-client.ts';
import { sharedApp } from './test-app.ts';

export const nodeBytesMax = 4_400_000;

export const banner = (bytes: number) => ({ type: 'banner', text: 'x'.repeat(bytes) });
export const grpcBanner = (bytes: number) => ({ banner: { text: 'x'.repeat(bytes) } });
export const large = { faults: [banner(60_000), banner(60_000)] };
export const grpcLarge = { faults: [grpcBanner(60_000), grpcBanner(60_000)] };

/** One for the file that calls this. */
export function sizedApp() {
  // Most of what was is then read from the store, and not from memory.
  const app = sharedApp({}, undefined, (config) => ({
    ...config,
    listeners: { ...config.listeners, specBytesMax: nodeBytesMax },
    eventLog: { ...config.eventLog, ringBytesMax: 1_000_000 },
  }));
  const clients = {} as Pick<GrpcClient, 'listeners' | 'events'>;
  beforeAll(() => {
    const client = grpcClient(app.grpcAddress);
    Object.assign(clients, client);
    return () => client[Symbol.dispose]();
  });
  return {
    app,
    client: clients,
    headSeq: async (): Promise<number> => (await want(200, app, 'GET', '/v1/status')).headSeq,
    restRefusal: async (method: string, path: string, body: object) => {
      const reply = await call(app, method, path, body);
      return { code: reply.body.code, detail: reply.body.detail };
    },
    grpcRefusal,
  };
}

async function grpcRefusal(send: Parameters<typeof grpcCall>[0]) {
  const error = await grpcCall(send).then(
    () => null,
    (refusal: ServiceError) => refusal,
  );
  return { code: error?.metadata.get('kodama-code')[0], detail: error?.details };
}
