/** Projects are apart: every operation, through both edges, with the things of another project as its arguments. */
import { expect, test } from 'vitest';
import { operations } from '../../src/api/operations.ts';
import { defaultBounds } from '../../src/core/listener-bounds.ts';
import { notApart, storeReasons, tenancyReasons } from '../support/apart-statements.ts';
import { joinedNode } from '../support/joined-node.ts';
import { long } from '../support/long.ts';
import { want } from '../support/rest-client.ts';
import { SentStatements } from '../support/sent-statements.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { Match } from './separation/match.ts';
import { operationNames, playMatches, toursOf, tuned } from './separation/matches.ts';
import { tappedHome } from './separation/tapped-home.ts';

const token = 'the-operators-own-token';
const statements = new SentStatements();
const app = sharedApp({ KODAMA_API_TOKEN: token }, tappedHome(statements), tuned);

/** Few matches remove the node of a player, and some statements are for what was removed. */
async function removedNode(): Promise<void> {
  const operator = { authorization: `Bearer ${token}` };
  const { secret } = await want(201, app, 'POST', '/v1/join-tokens', {}, operator);
  const { nodeId } = await joinedNode(app.databaseUrl, secret, 'leaving');
  await want(204, app, 'DELETE', `/v1/nodes/${nodeId}`, undefined, operator);
}

test('every operation is played', () => {
  const names = Object.keys(operations(defaultBounds, { drainMsMax: 1 }));
  expect(operationNames.toSorted()).toEqual(names.toSorted());
});

test('what is another project’s is as what never was', long, async () => {
  await using match = await Match.begin(app, token);
  for (const move of operationNames.flatMap(toursOf)) await match.play(1, move);
  await match.end();
});

test('a project sees nothing of another one', async () => {
  await playMatches({ app, token, matches: 1, moves: 8 });
});

test('two projects at once see nothing of each other', long, async () => {
  await playMatches({ app, token, matches: 2, moves: 15 });
});

test('each statement of a whole kodama says whose rows it touches', long, async () => {
  await removedNode();
  const unused = () => notApart(statements, tenancyReasons).unused;
  // Sweeps come in their time.
  await waitFor(
    () => `what these are for: ${unused().join(', ')}`,
    () => unused().length === 0,
  );
  const { statements: all } = notApart(statements, [...storeReasons, ...tenancyReasons]);
  expect(all).toEqual([]);
});
