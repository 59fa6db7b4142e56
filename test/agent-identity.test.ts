/** As whom an agent comes, and by what it knows its gateway. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AgentStateFile } from '../src/agent/agent-state.ts';
import { type IdentityOptions, keepWays, takeIdentity } from '../src/agent/identity.ts';
import { ConfigError, readAgentConfig, readConfig } from '../src/config.ts';
import { AppError } from '../src/core/errors.ts';
import { openGatewayCertificate } from '../src/gateway-certificate.ts';
import { makeSelfSigned } from '../src/tls/certificates.ts';
import { keptCertificate } from '../src/tls/kept-certificate.ts';
import { readJoinToken, spkiPin } from '../src/wire/pin.ts';
import { identityOf, startAgent, startGateway, urlOf } from './support/agent-world.ts';
import { long } from './support/long.ts';
import { keepingLogger } from './support/samples.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { goodToken, TestAdmission } from './support/test-admission.ts';
import { makeAuthority, makeCertificate, type Pair } from './support/tls-certificates.ts';
import { waitFor } from './support/wait-for.ts';

/** An agent's state directory, and what it finds there. */
async function host() {
  const folder = await temporaryFolder();
  const { limits } = readAgentConfig({});
  const quick = { ...limits, redialMinMs: 5, redialMaxMs: 10, answerTimeoutMs: 5000 };
  type Given = Partial<Omit<IdentityOptions, 'token'>> & { readonly token?: string };
  const take = async ({ token = '', ...given }: Given) =>
    await takeIdentity({
      ...{ urls: [], name: null, version: '1', limits: quick },
      file: await AgentStateFile.open(folder.path),
      logger: keepingLogger(),
      signal: new AbortController().signal,
      ...given,
      token: readJoinToken(token),
    });
  const reach = async (identity: Awaited<ReturnType<typeof take>>) => {
    if (identity === null) throw new TypeError('nobody comes there');
    await keepWays(await AgentStateFile.open(folder.path), identity);
  };
  const path = join(folder.path, 'agent.json');
  return { take, reach, path, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
}

test('a host joins once, and is the same node from then on, without address and token', async () => {
  await using own = await host();
  const admission = new TestAdmission();
  await using gateway = await startGateway(admission);
  const joining = { urls: ['http://127.0.0.1:1', gateway.url], token: goodToken, name: 'dmz-1' };
  const first = await own.take(joining);
  expect(first).toMatchObject({ name: 'dmz-1', installation: admission.installation, pin: null });
  const again = await own.take({});
  expect(again).toEqual({ ...first, key: expect.anything() });
  expect(again?.key.equals(first?.key ?? again.key)).toBe(true);
  expect(admission.joins).toMatchObject([{ name: 'dmz-1', sourceIp: '127.0.0.1' }]);
  expect((await stat(own.path)).mode & 0o777).toBe(0o600);
  expect(await readFile(own.path, 'utf8')).not.toContain(goodToken);
  const moved = await own.take({ urls: ['https://kodama.example'] });
  expect(moved?.gateways).toMatchObject([{ url: 'https://kodama.example', port: 443 }]);
  // Where it has never been taken is not kept: it may be another's, or nobody's.
  expect((await own.take({}))?.gateways).toEqual(first?.gateways);
  await own.reach(moved);
  expect((await own.take({}))?.gateways).toEqual(moved?.gateways);
});

test('a later token tells by what the gateway is known now: by a pin, or by none', async () => {
  await using own = await host();
  await using gateway = await startGateway(new TestAdmission());
  const pins = ['A', 'B'].map((letter) => letter.repeat(43));
  const joined = await own.take({ urls: [gateway.url], token: `${goodToken}.${pins[0]}` });
  expect(joined?.pin).toBe(pins[0]);
  expect(await own.take({})).toMatchObject({ pin: pins[0] });
  for (const [token, pin] of [
    [`${goodToken}.${pins[1]}`, pins[1]],
    [goodToken, null],
  ] as const) {
    const before = await own.take({});
    const given = await own.take({ token });
    expect(given).toMatchObject({ nodeId: joined?.nodeId, pin });
    expect(await own.take({})).toMatchObject({ pin: before?.pin });
    await own.reach(given);
    expect(await own.take({})).toMatchObject({ pin });
  }
});

test('a join whose answer was lost is the same join when it is made again', async () => {
  await using own = await host();
  const admission = new TestAdmission();
  await using gateway = await startGateway(admission);
  const joining = { urls: [gateway.url], token: goodToken };
  const stop = new AbortController();
  const join = admission.join.bind(admission);
  admission.join = async (request) => {
    const node = await join(request);
    // The agent is killed before it hears of it.
    stop.abort();
    await waitFor('its end', () => stop.signal.aborted);
    throw new AppError('unavailable', `${node.nodeId} is made`);
  };
  await expect(own.take({ ...joining, signal: stop.signal })).rejects.toThrow(/abort/);
  admission.join = join;
  const identity = await own.take(joining);
  expect([...admission.nodes.keys()]).toEqual([identity?.nodeId]);
});

test('a replica that can not take it now is asked again, and one that refuses ends it', async () => {
  await using own = await host();
  const admission = new TestAdmission();
  await using gateway = await startGateway(admission);
  admission.refusal = new AppError('unavailable', 'no database');
  const joined = own.take({ urls: [gateway.url], token: goodToken });
  await waitFor('a second try', () => admission.joins.length > 1);
  admission.refusal = null;
  expect(await joined).not.toBeNull();
  await using other = await host();
  const wrong = `kodamajoin_${'B'.repeat(33)}`;
  await expect(other.take({ urls: [gateway.url], token: wrong })).rejects.toThrow('refuses this');
});

test('who was removed has no key any more, and makes no new node with the same token', async () => {
  await using own = await host();
  const admission = new TestAdmission();
  await using gateway = await startGateway(admission);
  const joining = { urls: [gateway.url], token: goodToken };
  await own.take(joining);
  await (await AgentStateFile.open(join(own.path, '..'))).forget();
  expect(await readFile(own.path, 'utf8')).not.toContain('PRIVATE KEY');
  expect(await own.take(joining)).toBeNull();
  expect(admission.joins).toHaveLength(1);
  const another = { ...joining, token: `kodamajoin_${'C'.repeat(33)}` };
  await expect(own.take(another)).rejects.toThrow('refuses this');
  expect(admission.joins).toHaveLength(2);
});

test('what is missing or wrong is said', async () => {
  await using own = await host();
  const wrong = ['http://192.0.2.1', 'ftp://a.example', 'https://a.example/x', 'a'];
  const refused = [
    [{}, 'where is the gateway'],
    [{ urls: ['https://a.example'] }, 'has not joined yet'],
    ...[...wrong, 'https://u@a.example'].map(
      (url) => [{ urls: [url], token: goodToken }, 'no gateway'] as const,
    ),
  ] as const;
  for (const [given, words] of refused) {
    const refusal = own.take(given);
    await expect(refusal).rejects.toThrow(words);
    // Another start with the same words is of no use.
    await expect(refusal).rejects.toBeInstanceOf(ConfigError);
  }
  await writeFile(own.path, '{"joined": 1}');
  await expect(own.take({})).rejects.toThrow('is no state of an agent');
});

/** A gateway with this certificate, and an agent that has this pin. */
async function overTls({ cert, key }: Pair, pin: string | null) {
  await using resources = new AsyncDisposableStack();
  const admission = new TestAdmission();
  const certificate = { pair: { cert, key }, onRenewed: () => undefined };
  const tls = { certificate, limits: readConfig({}).tls.limits };
  const { server } = resources.use(await startGateway(admission, {}, { tls }));
  const identity = identityOf(admission, [urlOf(server.address, 'https')], { pin });
  const { logger } = resources.use(startAgent(identity));
  const all = resources.move();
  return { admission, server, logger, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

test('with a pin exactly that key is spoken to, whoever vouches for it and whatever its name', async () => {
  const authority = await makeAuthority();
  const pair = await makeCertificate(authority);
  await using world = await overTls(pair, spkiPin(pair.cert));
  // Who vouches for it gives it another key some day: tokens pin only one that vouches for itself.
  expect([world.server.isTls, world.server.pin]).toEqual([true, null]);
  const itsOwn = await makeSelfSigned('127.0.0.1', 2);
  await using own = await overTls(itsOwn, spkiPin(itsOwn.cert));
  expect(own.server.pin).toBe(spkiPin(itsOwn.cert));
  await waitFor('the session', () => own.admission.session);
  await waitFor('the session', () => world.admission.session);

  await using other = await overTls(pair, spkiPin(authority.cert));
  const isRefused = () =>
    other.logger.lines.some(({ fields }) => /whose pin/.test(JSON.stringify(fields)));
  await waitFor('the refusal', isRefused);
  expect(other.admission.sessions).toEqual([]);
});

test('without a pin a gateway that no authority vouches for is not spoken to', async () => {
  await using world = await overTls(await makeCertificate(await makeAuthority()), null);
  const isRefused = () => world.logger.lines.some(({ fields }) => 'reason' in fields);
  await waitFor('the refusal', isRefused);
  expect(world.admission.sessions).toEqual([]);
});

test(
  'the certificate is the gateway’s own, that of the edges, none on loopback, or one that is kept',
  long,
  async () => {
    await using folder = await temporaryFolder();
    await using resources = new AsyncDisposableStack();
    const pair = await makeCertificate(await makeAuthority());
    const ofEdges = { pair, onRenewed: () => undefined };
    const [certPath, keyPath] = [join(folder.path, 'c.pem'), join(folder.path, 'k.pem')];
    await Promise.all([writeFile(certPath, pair.cert), writeFile(keyPath, pair.key)]);
    const logger = keepingLogger();
    const KODAMA_DATA_DIR = join(folder.path, 'data');
    const open = (environment: Readonly<Record<string, string>>, edges: typeof ofEdges | null) => {
      const config = readConfig({ KODAMA_DATA_DIR, ...environment });
      return openGatewayCertificate({ config, logger, ofEdges: edges }, resources);
    };
    const files = { KODAMA_GATEWAY_TLS_CERT: certPath, KODAMA_GATEWAY_TLS_KEY: keyPath };
    expect((await open(files, null))?.pair).toEqual(pair);
    expect(await open({}, ofEdges)).toBe(ofEdges);
    expect(await open({}, null)).toBeNull();
    const beyond = { KODAMA_GATEWAY_HOST: '0.0.0.0' };
    const made = await open(beyond, null);
    expect((await open(beyond, null))?.pair).toEqual(made?.pair);
    expect((await stat(join(KODAMA_DATA_DIR, 'gateway.pem'))).mode & 0o777).toBe(0o600);
    expect(await keptCertificate(KODAMA_DATA_DIR, '0.0.0.0')).toEqual(made?.pair);
    await using world = await overTls(made?.pair ?? pair, spkiPin(made?.pair.cert ?? ''));
    await waitFor('the session', () => world.admission.session);
  },
);
