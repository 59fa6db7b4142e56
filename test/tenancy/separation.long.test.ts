/** Many matches of two projects, at random: as in separation.test.ts, which has a few. */
import { test } from 'vitest';
import { sharedApp } from '../support/test-app.ts';
import { playMatches, tuned } from './separation/matches.ts';

const token = 'the-operators-own-token';
const app = sharedApp({ KODAMA_API_TOKEN: token }, undefined, tuned);

test('two projects at once see nothing of each other, however they are played', async () => {
  await playMatches({ app, token, matches: 12, moves: 30 });
});
