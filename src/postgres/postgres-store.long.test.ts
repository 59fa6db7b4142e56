/** The filters over more lives than `npm test` has the time for. */
import { describe } from 'vitest';
import { postgresGround } from '../../test/support/postgres-ground.ts';
import { filterContract } from '../../test/support/store-filters.ts';

describe('the filters of the store over PostgreSQL', () =>
  filterContract(postgresGround, { lives: 240 }));
