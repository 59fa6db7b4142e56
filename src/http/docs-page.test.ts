import { fastify } from 'fastify';
import { expect, test } from 'vitest';
import { docsPage } from './docs-page.ts';
import type { HttpApp } from './edge.ts';

function appWith(addRoutes: (docs: HttpApp) => void): HttpApp {
  const app: HttpApp = fastify();
  docsPage(app, '1.0.0', addRoutes);
  return app;
}

test('a part is made once, by many who ask at once and by who asks later', async () => {
  let made = 0;
  await using app = appWith((docs) => {
    docs.addHook('onRequest', (_request, _reply, done) => {
      made += 1;
      done();
    });
  });
  const ask = () => app.inject('/openapi.json');
  const answers = [...(await Promise.all([ask(), ask(), ask()])), await ask()];
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200]);
  expect(made).toBe(1);
});

test('a page that could not be loaded is loaded at the next try', async () => {
  let isBroken = true;
  await using app = appWith(() => {
    if (isBroken) throw new Error('broken');
  });
  expect((await app.inject('/openapi.json')).statusCode).toBe(500);
  isBroken = false;
  expect((await app.inject('/openapi.json')).statusCode).toBe(200);
});

test('a page whose load fails while the app is closed does not make that fail', async () => {
  const closing = Promise.withResolvers<void>();
  let closed: Promise<unknown> | undefined;
  const app = appWith((docs) => {
    docs.addHook('onReady', async () => {
      closed = app.close();
      await closing.promise;
      await new Promise(setImmediate);
      throw new Error('broken');
    });
  });
  app.addHook('onClose', async () => closing.resolve());
  await app.inject('/openapi.json');
  expect(closed).toBeDefined();
  await closed;
});
