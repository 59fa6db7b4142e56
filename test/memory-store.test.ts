/** The fake keeps what the real store keeps. */
import { MemoryDatabase } from './support/memory-database.ts';
import { MemoryStore } from './support/memory-store.ts';
import { storeContract } from './support/store-contract.ts';
import type { StoreGround } from './support/store-ground.ts';

async function memoryGround(): Promise<StoreGround> {
  const database = new MemoryDatabase();
  return {
    open: async (nodeId, clock) => {
      const store = new MemoryStore({ database, nodeId, ...(clock && { clock }) });
      return Object.assign(store, { [Symbol.asyncDispose]: async () => store.leave() });
    },
    addProject: async (name) => database.addProject(name),
    limitListeners: async (project, listeners) => database.limit(project, { listeners }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

storeContract('the store in memory', memoryGround, { lives: 40 });
