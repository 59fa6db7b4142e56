import { expect, test } from 'vitest';
import { playStolenSessions } from './stolen-sessions.ts';

test('a session that is stolen in the middle of everything loses nothing, and tells nothing twice', async () => {
  expect.hasAssertions();
  await playStolenSessions(1, 80);
});
