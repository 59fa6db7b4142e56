/** The programs of docs/clients.md that take long to start or a compiler, or the tools of this repository. */
import { expect, test } from 'vitest';
import {
  blocks,
  expectSeenToTheEnd,
  go,
  python,
  runBlock,
  shell,
  typescript,
} from '../support/clients-page.ts';
import { sharedApp } from '../support/test-app.ts';

const app = sharedApp();

test.for([go, python, typescript])(
  'the $fence of the page sees a connection to its end, though its stream is cut off',
  (language, context) => expectSeenToTheEnd(app, language, context),
);

test('buf curl makes the calls of the page by reflection alone', async (context) => {
  const [block = ''] = blocks('sh');
  const ports = { http: app.httpPort, grpc: app.grpcPort };
  const { stdout } = await runBlock(context, shell, block, ports);
  expect(stdout).toContain('"name": "reflected"');
  expect(stdout).toContain('EVENT_TYPE_LISTENER_LISTENING');
});

test('the details of an error that buf curl leaves in base64 are read as the page says', async (context) => {
  const [, block = ''] = blocks('sh');
  const ports = { http: app.httpPort, grpc: app.grpcPort };
  const { stdout } = await runBlock(context, shell, block, ports);
  expect(JSON.parse(stdout)).toMatchObject({
    message: 'port: must be a whole number from 0 to 65535',
    details: [
      { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'INVALID_ARGUMENT' },
      { '@type': 'type.googleapis.com/google.rpc.RequestInfo' },
      {
        '@type': 'type.googleapis.com/google.rpc.BadRequest',
        fieldViolations: [{ field: 'port' }],
      },
    ],
  });
});
