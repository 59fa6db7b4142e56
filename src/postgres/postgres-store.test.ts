import { expect, test } from 'vitest';
import { notApart, storeReasons } from '../../test/support/apart-statements.ts';
import { tappedGround } from '../../test/support/postgres-ground.ts';
import { SentStatements } from '../../test/support/sent-statements.ts';
import { storeContract } from '../../test/support/store-contract.ts';

const statements = new SentStatements();
storeContract('the store over PostgreSQL', tappedGround(statements), { lives: 40, pairStep: 7 });

test('each statement of the store says whose rows it touches', () => {
  expect(statements.texts.size).toBeGreaterThan(100);
  expect(notApart(statements, storeReasons)).toEqual({ statements: [], unused: [] });
});
