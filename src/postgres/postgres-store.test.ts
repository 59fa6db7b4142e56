import { expect, test } from 'vitest';
import { notApart, storeReasons } from '../../test/support/apart-statements.ts';
import { long } from '../../test/support/long.ts';
import { tappedGround } from '../../test/support/postgres-ground.ts';
import { SentStatements } from '../../test/support/sent-statements.ts';
import { storeContract } from '../../test/support/store-contract.ts';

const statements = new SentStatements();
const filters = { lives: 40, pairStep: 7 };
storeContract('the store over PostgreSQL', tappedGround(statements), filters, long);

test('each statement of the store says whose rows it touches', long, () => {
  expect(statements.texts.size).toBeGreaterThan(100);
  expect(notApart(statements, storeReasons)).toEqual({ statements: [], unused: [] });
});
