import { generateKeyPairSync } from 'node:crypto';
import { getEventListeners, once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { identityOf, startAgent } from '../../test/support/agent-world.ts';
import { freePort } from '../../test/support/free-port.ts';
import { keepingLogger } from '../../test/support/samples.ts';
import { TestAdmission } from '../../test/support/test-admission.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { readAgentConfig } from '../config.ts';
import { readGatewayUrl } from './gateway-channel.ts';
import { join } from './join.ts';

/** Ends with what went wrong. */
const reason = expect.stringMatching(/connect ECONNREFUSED 127\.0\.0\.1:\d+$/);

test('that no gateway answers is told without a note that says nothing', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const gateway = readGatewayUrl(url);
  if (gateway === null) throw new TypeError(url);
  const logger = keepingLogger();
  const stop = new AbortController();
  const { privateKey: key } = generateKeyPairSync('ed25519');
  const { limits } = readAgentConfig({});
  const joining = join({
    ...{ gateways: [gateway], pin: null, token: 'none', key, name: 'one', hostname: 'one' },
    ...{ version: '0.0.0', limits, logger, signal: stop.signal },
  });
  const line = await waitFor('a warning', () => logger.lines[0]);
  stop.abort();
  await expect(joining).rejects.toMatchObject({ name: 'AbortError' });
  expect(line.fields).toEqual({ gateway: url, reason });

  // Nor is that of an agent which has joined, and dials.
  const identity = identityOf(new TestAdmission(), [url]);
  await using dialling = startAgent(identity, {}, { KODAMA_WORKERS: '1' });
  const told = await waitFor('its warning', () =>
    dialling.logger.lines.find(({ level }) => level === 'warn'),
  );
  expect(told.fields).toEqual({ gateway: url, reason, wasWelcomed: false });
});

test('an attempt that has failed is not kept for the stop', async () => {
  let attempts = 0;
  const server = createServer((socket) => {
    attempts += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const gateway = readGatewayUrl(`http://127.0.0.1:${port}`);
  if (gateway === null) throw new TypeError('a URL is one');
  const stop = new AbortController();
  const { privateKey: key } = generateKeyPairSync('ed25519');
  const limits = { ...readAgentConfig({}).limits, redialMinMs: 1, redialMaxMs: 1 };
  const joining = join({
    ...{ gateways: [gateway], pin: null, token: 'none', key, name: 'one', hostname: 'one' },
    ...{ version: '0.0.0', limits, logger: keepingLogger(), signal: stop.signal },
  });
  await waitFor('some attempts', () => attempts > 5);
  // The one that is under way, and its pause.
  expect(getEventListeners(stop.signal, 'abort').length).toBeLessThanOrEqual(2);
  stop.abort();
  await expect(joining).rejects.toMatchObject({ name: 'AbortError' });
  server.close();
});
