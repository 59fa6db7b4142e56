/** What the log says at its most talkative of callers of both edges: who they are, and no secret of anybody. */
import { expect, test } from 'vitest';
import { makeSecret } from '../../src/tenancy/key-secret.ts';
import { call as grpcCall, grpcClient, streamEvents } from '../support/grpc-client.ts';
import { call, want } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
import { makeHome, startProcess } from '../support/test-app.ts';
import { makeAuthority, makeCertificate } from '../support/tls-certificates.ts';
import { waitFor } from '../support/wait-for.ts';

const token = 'a-token-that-strangers-do-not-have';
const password = 'a-password-of-the-database';
const secretKey = Buffer.alloc(32, 7).toString('base64');
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

test('the log names project and key hint of each call, and shows no secret', async () => {
  await using home = await makeHome({
    ...{ KODAMA_API_TOKEN: token, KODAMA_SECRET_KEY: secretKey },
  });
  const { DATABASE_URL: url = '' } = home.environment;
  const more = { KODAMA_LOG_LEVEL: 'debug', KODAMA_LOG_FORMAT: 'json' };
  const database = { DATABASE_URL: url.replace('@', `:${password}@`) };
  await using app = await startProcess(home, { ...more, ...database });
  const operator = bearer(token);
  await want(201, app, 'POST', '/v1/projects', { name: 'team-a' }, operator);
  const of = { ...operator, 'kodama-project': 'team-a' };
  const scopes = ['read', 'write', 'keys:read', 'keys:write'];
  const key = await want(201, app, 'POST', '/v1/keys', { name: 'ci', scopes }, of);
  const own = bearer(key.secret);
  const certificate = await makeCertificate(await makeAuthority());
  const spec = { protocol: 'tls', tls: certificate };
  const listener = await want(201, app, 'POST', '/v1/listeners', spec, own);
  await talk(listener.laddr.port, 'no TLS');
  const rotated = await want(200, app, 'POST', `/v1/keys/${key.id}:rotate`, {}, own);
  const nobodys = makeSecret();
  const secrets = [token, password, secretKey, key.secret, rotated.secret, nobodys];
  for (const secret of [nobodys, `${key.secret}x`, `${token}x`]) {
    await want(401, app, 'GET', '/v1/listeners', undefined, bearer(secret));
    await want(401, app, 'GET', '/v1/listeners', undefined, { authorization: `Basic ${secret}` });
  }
  for (const secret of secrets) {
    const shown = encodeURIComponent(secret);
    for (const path of [`/v1/listeners?key=${shown}`, `/v1/keys/${shown}`, `/${shown}`]) {
      expect([400, 404]).toContain((await call(app, 'GET', path, undefined, own)).status);
    }
    await call(app, 'GET', '/v1/listeners', undefined, { ...own, 'kodama-project': secret });
    await call(app, 'POST', '/v1/listeners', { [secret]: secret }, own);
  }
  using client = grpcClient(app.grpcAddress, { token: rotated.secret });
  await grpcCall((done) => client.listeners.ListListeners({}, client.metadata, done));
  using stranger = grpcClient(app.grpcAddress, { token: nobodys });
  const refused = grpcCall((done) =>
    stranger.keys.GetKey({ id: nobodys }, stranger.metadata, done),
  );
  await expect(refused).rejects.toThrow(/no valid bearer token/);
  using stream = streamEvents(app.grpcAddress, {}, {}, { token: key.secret });
  await stream.synced;
  stream.cancel();
  const lines = () =>
    app.lines.filter((line) => line.startsWith('{')).map((one) => JSON.parse(one));
  const told = { project: 'team-a', keyHint: key.hint };
  // Of both secrets, once there is a second.
  const later = { ...told, msg: 'call', keyHint: rotated.hint };
  for (const wanted of [
    { msg: 'request', route: '/v1/listeners', method: 'POST', status: 201, ...told },
    { msg: 'request', route: '/v1/projects', status: 201, project: 'default' },
    { msg: 'request', route: '/v1/listeners', method: 'GET', status: 401 },
    { ...later, method: '/kodama.v1.ListenerService/ListListeners', status: 'OK' },
    { ...later, method: '/kodama.v1.EventService/StreamEvents', status: 'CANCELLED' },
  ]) {
    await waitFor(JSON.stringify(wanted), () =>
      lines().some((line) => Object.entries(wanted).every(([name, one]) => line[name] === one)),
    );
  }
  const [, keyLine = ''] = certificate.key.split('\n');
  for (const secret of [...secrets, keyLine]) expect(app.lines.join('\n')).not.toContain(secret);
});
