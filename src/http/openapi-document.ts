/** The OpenAPI 3.1 document, for the committed openapi.json: made without a store, a worker or a socket. */
import { readFileSync } from 'node:fs';
import pino from 'pino';
import { Api } from '../api/call.ts';
import { operations } from '../api/operations.ts';
import { defaultBounds } from '../core/listener-bounds.ts';
import { apiRoutes } from './api-routes.ts';
import { docsApp } from './docs-app.ts';
import type { Edge } from './edge.ts';

export async function openApiDocument(): Promise<object> {
  const app = await docsApp(packageVersion(), (docs) => apiRoutes(docs, documented));
  const document = app.swagger();
  await app.close();
  return document;
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version }: { version: string } = JSON.parse(text);
  return version;
}

function never(): never {
  throw new Error('this app is only there to be described');
}

/** What no description asks for. */
function undescribed<Part extends object>(): Part {
  return new Proxy({} as Part, { get: never });
}

const day = 86_400_000;

const documented: Edge = {
  api: new Api({
    operations: operations(defaultBounds, { drainMsMax: day }),
    keys: { identify: never, watch: never },
    rates: { take: never },
    refusals: { heard: never },
    longPages: { paceOf: never },
    callLines: { take: never },
    leftCalls: { whileThere: never },
    world: undescribed(),
    idempotency: undescribed(),
  }),
  readiness: { problems: never },
  bounds: defaultBounds,
  logger: pino({ level: 'silent' }),
  metrics: { contentType: 'text/plain', text: never },
  failures: { tell: never },
  limits: {
    bodyBytesMax: 1,
    bodyDepthMax: 1,
    bodyPartsMax: 1,
    bodyEntriesMax: 1,
    bodyBytesArrivingMax: 1,
    headerBytesMax: 1,
    headersTimeoutMs: 1,
    requestTimeoutMs: 1,
    keepAliveTimeoutMs: 1,
    connectionsMax: 1,
    requestsPerConnectionMax: 1,
    answerBytesWaitingMax: 1,
    responseWriteTimeoutMs: 1,
    streamWriteTimeoutMs: 1,
    outageLinesPerSecondMax: 1,
    stopTimeoutMs: 1,
  },
};
