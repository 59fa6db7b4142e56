/** The fake keeps what the real store keeps. */
import { MemoryDatabase } from './support/memory-database.ts';
import { MemoryStore } from './support/memory-store.ts';
import { storeContract } from './support/store-contract.ts';

storeContract('the store in memory', async () => {
  const database = new MemoryDatabase();
  const nothing = async () => undefined;
  return {
    open: async (nodeId) =>
      Object.assign(new MemoryStore({ database, nodeId }), { [Symbol.asyncDispose]: nothing }),
    [Symbol.asyncDispose]: nothing,
  };
});
