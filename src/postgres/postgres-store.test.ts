import { postgresGround } from '../../test/support/postgres-ground.ts';
import { storeContract } from '../../test/support/store-contract.ts';

storeContract('the store over PostgreSQL', postgresGround, { lives: 40, pairStep: 7 });
