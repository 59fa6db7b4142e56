/** That an edge is open to every address. */
import { expect } from 'vitest';
import { rawHttp } from './raw-http.ts';
import type { RunningApp } from './test-app.ts';

/** No longer bound to loopback, it is known by whatever name leads here. */
export async function expectOpen({ httpPort }: RunningApp, authorization: string): Promise<void> {
  const headers = { authorization, host: 'kodama.example' };
  const head = Object.entries(headers).map((pair) => `${pair.join(': ')}\r\n`);
  const request = `GET /v1/status HTTP/1.1\r\n${head.join('')}connection: close\r\n\r\n`;
  expect(await rawHttp(httpPort, request)).toMatchObject({ status: 200 });
}
