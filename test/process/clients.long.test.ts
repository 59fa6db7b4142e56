/** The program of docs/clients.md that takes a compiler. */
import { test } from 'vitest';
import { expectSeenToTheEnd, go } from '../support/clients-page.ts';
import { sharedApp } from '../support/test-app.ts';

const app = sharedApp();

test('the go of the page sees a connection to its end, though its stream is cut off', (context) =>
  expectSeenToTheEnd(app, go, context));
