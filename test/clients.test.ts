/** What docs/clients.md has for a shell; its other languages are in clients.long.test.ts. */
import { test } from 'vitest';
import { bash, expectSeenToTheEnd } from './support/clients-page.ts';
import { long } from './support/long.ts';
import { commonApp } from './support/test-app.ts';

const app = commonApp();

test(
  'the shell of the page sees a connection to its end, though its stream is cut off',
  long,
  (context) => expectSeenToTheEnd(app, bash, context),
);
