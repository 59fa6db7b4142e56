/** The ports that kodama itself listens on are no listener's, and are told so by a code of their own. */
import { describe, expect, test } from 'vitest';
import { freePort } from './support/free-port.ts';
import { call, want } from './support/rest-client.ts';
import { sharedApp } from './support/test-app.ts';

describe.each([
  ['any port', 0],
  ['one that is named', await freePort()],
])('with a gateway at %s', (_, gatewayPort) => {
  const app = sharedApp({ KODAMA_GATEWAY_PORT: String(gatewayPort) });

  test('the ports of REST, gRPC and the gateway are reserved', async () => {
    const { joinUrl } = await want(201, app, 'POST', '/v1/join-tokens', {});
    const gateway = Number(new URL(joinUrl).port);
    for (const port of [app.httpPort, app.grpcPort, gateway]) {
      const refused = await call(app, 'POST', '/v1/listeners', { port });
      expect(refused).toMatchObject({ status: 403, body: { code: 'port_reserved' } });
    }
  });
});
