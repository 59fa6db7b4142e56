/** A home whose database tells what is sent to it. */
import { afterAll, beforeAll } from 'vitest';
import type { SentStatements } from '../../support/sent-statements.ts';
import { startStoreProxy } from '../../support/store-proxy.ts';
import { makeHome, type TestHome } from '../../support/test-app.ts';

export function tappedHome(statements: SentStatements): TestHome {
  const resources = new AsyncDisposableStack();
  const shared = {};
  beforeAll(async () => {
    const home = resources.use(await makeHome());
    const { DATABASE_URL: url = '' } = home.environment;
    const proxy = resources.use(await startStoreProxy(url, statements));
    const environment = { ...home.environment, DATABASE_URL: proxy.url };
    const dispose = () => home[Symbol.asyncDispose]();
    Object.assign(shared, { environment, [Symbol.asyncDispose]: dispose });
  });
  afterAll(() => resources.disposeAsync());
  return shared as TestHome;
}
