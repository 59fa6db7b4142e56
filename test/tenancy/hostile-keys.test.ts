/** Keys as strangers show them, and keys that have ended: refused on both edges alike. */
import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { makeSecret } from '../../src/tenancy/key-secret.ts';
import { begin, empty, session } from '../support/grpc-by-hand.ts';
import { rawHttp } from '../support/raw-http.ts';
import { call, want } from '../support/rest-client.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const token = 'the-operators-own-token';
const app = sharedApp({ KODAMA_API_TOKEN: token }, undefined, (config) => ({
  ...config,
  tenancy: { ...config.tenancy, failedKeysPerSecond: 1000 },
}));
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const operator = bearer(token);

type Headers = Readonly<Record<string, string>>;

/** The status of a read with these header lines, as they are. */
async function restStatus(lines: readonly string[], path = '/v1/listeners'): Promise<number> {
  const head = [`GET ${path} HTTP/1.1`, 'host: localhost', 'connection: close', ...lines];
  return (await rawHttp(app.httpPort, `${head.join('\r\n')}\r\n\r\n`)).status;
}

/** How a read of gRPC with these metadata ends. */
async function grpcEnd(headers: Readonly<Record<string, string | readonly string[]>>) {
  using client = session(app.grpcAddress);
  const path = '/kodama.v1.ListenerService/ListListeners';
  const stream = begin(client, path, headers as Headers);
  const ended = new Promise<Readonly<Record<string, unknown>>>((resolve) => {
    const take = (told: Readonly<Record<string, unknown>>) => {
      if (told['grpc-status'] !== undefined) resolve(told);
    };
    stream.on('response', take).on('trailers', take);
  });
  stream.resume();
  stream.end(empty);
  const { 'grpc-status': code, 'grpc-message': message = '' } = await ended;
  return { code: Number(code), message: decodeURIComponent(String(message)) };
}

async function makeKey(of: Headers = operator, more: object = {}) {
  const body = { name: `k-${makeSecret().slice(-8)}`, scopes: ['read'], ...more };
  return await want(201, app, 'POST', '/v1/keys', body, of);
}

const long = 'x'.repeat(8000);
const forms: Readonly<Record<string, (secret: string) => string>> = {
  'another scheme': (secret) => `Basic ${Buffer.from(`:${secret}`).toString('base64')}`,
  'no scheme': (secret) => secret,
  'a scheme that only begins so': (secret) => `BearerX ${secret}`,
  'two keys in one': (secret) => `Bearer ${secret},Bearer ${secret}`,
  'two keys with blanks': (secret) => `Bearer ${secret} ${secret}`,
  'a parameter': (secret) => `Bearer realm="x" ${secret}`,
  'a key within more': (secret) => `Bearer ${secret}${long}`,
  'other case': (secret) => `Bearer ${secret.toUpperCase()}`,
  'a wrong check': (secret) => `Bearer ${secret.slice(0, -1)}${secret.endsWith('0') ? '1' : '0'}`,
  'its hint': (secret) => `Bearer ${secret.slice(0, 12)}...${secret.slice(-4)}`,
  'letters of other alphabets': (secret) => `Bearer ${secret.replace('o', '\u00f6')}`,
};

describe('the form of a key', () => {
  test.each(Object.entries(forms))('%s is none', async (_, form) => {
    const { secret } = await makeKey();
    expect(await restStatus([`authorization: ${form(secret)}`])).toBe(401);
    const sent = Buffer.from(form(secret), 'utf8').toString('latin1');
    expect((await grpcEnd({ authorization: sent })).code).toBe(status.UNAUTHENTICATED);
  });

  test.each(['Bearer  ', 'bearer ', 'BEARER '])('"%s" before it is a scheme', async (scheme) => {
    const { secret } = await makeKey();
    expect(await restStatus([`Authorization:\t${scheme}${secret} `])).toBe(200);
    expect((await grpcEnd({ authorization: `${scheme}${secret}` })).code).toBe(status.OK);
  });

  test('of two headers neither counts', async () => {
    const { secret } = await makeKey();
    const line = `authorization: Bearer ${secret}`;
    expect(await restStatus([line, line])).toBe(400);
    expect(await restStatus([line, 'kodama-project: default', 'kodama-project: default'])).toBe(
      400,
    );
    const projects = { ...bearer(secret), 'kodama-project': ['default', 'default'] };
    expect((await grpcEnd(projects)).code).toBe(status.INVALID_ARGUMENT);
  });

  test('it is in its header, and nowhere else', async () => {
    const { secret } = await makeKey();
    for (const name of ['authorization', 'access_token', 'key', 'token']) {
      expect(await restStatus([], `/v1/listeners?${name}=${secret}`)).toBe(401);
      expect(await restStatus([`cookie: ${name}=${secret}`])).toBe(401);
    }
    expect(await restStatus([`proxy-authorization: Bearer ${secret}`])).toBe(401);
    expect((await grpcEnd({ 'x-authorization': `Bearer ${secret}` })).code).not.toBe(status.OK);
  });

  test('what grpc-js can not read of it is nowhere shown', async () => {
    const { secret } = await makeKey();
    const { write } = process.stderr;
    let shown = '';
    process.stderr.write = (text: string | Uint8Array) => {
      shown += String(text);
      return true;
    };
    try {
      await grpcEnd({ authorization: `Bearer ${secret}\u00e9` });
    } finally {
      process.stderr.write = write;
    }
    expect(shown).not.toContain(secret);
  });

  test('one that is too large or no text is refused before it is looked at', async () => {
    const { secret } = await makeKey();
    expect(await restStatus([`authorization: Bearer ${long.repeat(5)}`])).toBe(431);
    for (const byte of ['\0', '\x01', '\x7f']) {
      expect(await restStatus([`authorization: Bearer ${byte}${secret}`])).toBe(400);
    }
  });
});

const ends: Readonly<Record<string, readonly [words: RegExp, end: () => Promise<string>]>> = {
  'was revoked': [
    /the key is revoked/,
    async () => {
      const { id, secret } = await makeKey();
      await want(204, app, 'DELETE', `/v1/keys/${id}`, undefined, operator);
      return secret;
    },
  ],
  'has expired': [
    /the key has expired/,
    async () => {
      const { secret } = await makeKey(operator, { ttlMs: 1000 });
      await waitFor('its end', async () => {
        return (await call(app, 'GET', '/v1/listeners', undefined, bearer(secret))).status === 401;
      });
      return secret;
    },
  ],
  'was rotated out': [
    /another secret since it was rotated/,
    async () => {
      const { id, secret } = await makeKey();
      await want(200, app, 'POST', `/v1/keys/${id}:rotate`, { overlapMs: 0 }, operator);
      return secret;
    },
  ],
  'is of a project that is being deleted': [
    /project is being deleted|no valid bearer token/,
    async () => {
      await want(201, app, 'POST', '/v1/projects', { name: 'ending' }, operator);
      const { secret } = await makeKey({ ...operator, 'kodama-project': 'ending' });
      await want(200, app, 'GET', '/v1/listeners', undefined, bearer(secret));
      await want(202, app, 'DELETE', '/v1/projects/ending', undefined, operator);
      return secret;
    },
  ],
};

test.each(Object.entries(ends))(
  'a key that %s is refused on both edges',
  async (_, [words, end]) => {
    const secret = await end();
    const { code, detail } = await want(
      401,
      app,
      'GET',
      '/v1/listeners',
      undefined,
      bearer(secret),
    );
    expect([code, detail]).toEqual(['unauthenticated', expect.stringMatching(words)]);
    const told = await grpcEnd(bearer(secret));
    expect(told).toEqual({ code: status.UNAUTHENTICATED, message: expect.stringMatching(words) });
  },
);

test('a key that names another project is told that there is none', async () => {
  const { secret } = await makeKey();
  await want(201, app, 'POST', '/v1/projects', { name: 'other' }, operator);
  for (const project of ['other', 'never']) {
    const headers = { ...bearer(secret), 'kodama-project': project };
    const { detail } = await want(404, app, 'GET', '/v1/listeners', undefined, headers);
    const told = { code: status.NOT_FOUND, message: `no project ${project}` };
    expect([detail, await grpcEnd(headers)]).toEqual([told.message, told]);
  }
});
