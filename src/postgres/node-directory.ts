/** The nodes' ids and names by the numbers that rows hold in their place. A number once given stays its node's for ever. */
import type { Database } from './database.ts';
import type { NodeIds } from './rows.ts';

type NodeRow = readonly [ref: number, id: string, name: string];

export class NodeDirectory {
  readonly #database: Database;
  #ids: NodeIds = new Map();

  constructor(database: Database) {
    this.#database = database;
  }

  /** The directory, with these numbers in it. */
  async with(refs: readonly (number | null)[]): Promise<NodeIds> {
    const isKnown = refs.every((ref) => ref === null || this.#ids.has(ref));
    if (!isKnown) {
      const text = 'SELECT ref, id, name FROM nodes';
      const rows = (await this.#database.query({ name: 'nodes', text })) as readonly NodeRow[];
      this.#ids = new Map(rows.map(([ref, nodeId, nodeName]) => [ref, { nodeId, nodeName }]));
    }
    return this.#ids;
  }
}
