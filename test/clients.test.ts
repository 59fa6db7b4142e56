/** docs/clients.md, taken at its word: each program of it is run as it stands, through a network that fails once. */
import { test } from 'vitest';
import { expectSeenToTheEnd, python, shell, typescript } from './support/clients-page.ts';
import { commonApp } from './support/test-app.ts';

const app = commonApp();

test.for([python, typescript, shell])(
  'the $fence of the page sees a connection to its end, though its stream is cut off',
  (language, context) => expectSeenToTheEnd(app, language, context),
);
