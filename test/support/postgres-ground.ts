/** A real database for the contract of a store. */
import { PostgresStore } from '../../src/postgres/postgres-store.ts';
import type { StoreGround } from './store-ground.ts';
import { makeDatabase } from './test-database.ts';

const nothing = () => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export async function postgresGround(): Promise<StoreGround> {
  const database = await makeDatabase();
  return {
    open: (nodeId) =>
      PostgresStore.open({
        ...{ connectionString: database.url, nodeId, log },
        limits: { absenceMs: 10 },
      }),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
