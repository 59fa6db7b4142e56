import { storeContract } from '../../test/support/store-contract.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { PostgresStore } from './postgres-store.ts';

const nothing = () => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

storeContract('the store over PostgreSQL', async () => {
  const database = await makeDatabase();
  return {
    open: (nodeId) =>
      PostgresStore.open({
        ...{ connectionString: database.url, nodeId, log },
        limits: { absenceMs: 10 },
      }),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
});
