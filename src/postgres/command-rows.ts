/** Commands for nodes whose place another process has, and their answers: rows, and a wake. */
import { type ProjectRef, projectRef } from '../core/project.ts';
import type { CommandRows as CommandRowsPort, PostedCommand } from '../fleet/store.ts';
import type { Database } from './database.ts';
import type { SecretCipher } from './secret-cipher.ts';
import type { Wakes } from './wakes.ts';

/** What nobody waits for any more goes with the next that comes. */
const postSql = `WITH gone AS (DELETE FROM node_commands WHERE deadline < clock_timestamp())
INSERT INTO node_commands (id, deadline, node, project, key_id, command)
SELECT $1::uuid, clock_timestamp() + make_interval(secs => $2::float8 / 1000), n.ref, $4::integer, $5,
  decode($6, 'base64')
FROM nodes n WHERE n.id = $3`;

const waitingSql = `SELECT c.id, n.id, c.project, c.key_id, encode(c.command, 'base64'),
  extract(epoch FROM c.deadline - clock_timestamp()) * 1000
FROM node_commands c JOIN nodes n ON n.ref = c.node
WHERE n.id = ANY ($1::text[]) AND c.answer IS NULL AND c.deadline > clock_timestamp() ORDER BY c.id LIMIT $2::integer`;

const answersSql = `SELECT id, answer FROM node_commands WHERE id = ANY ($1::uuid[]) AND answer IS NOT NULL`;

type WaitingRow = readonly [
  id: string,
  nodeId: string,
  project: number,
  keyId: string | null,
  command: string,
  restMs: number,
];

export interface CommandRowsOptions {
  readonly database: Database;
  readonly cipher: SecretCipher;
  readonly wakes: Wakes;
}

export class CommandRows implements CommandRowsPort {
  readonly #options: CommandRowsOptions;

  constructor(options: CommandRowsOptions) {
    this.#options = options;
  }

  async post({ id, nodeId, project, text, restMs }: PostedCommand): Promise<void> {
    const { database, cipher, wakes } = this.#options;
    const sealed = cipher.seal(text, { project, listenerId: id });
    const bytes = sealed?.bytes ?? Buffer.from(text);
    const command = [sealed?.keyId ?? null, bytes.toString('base64')];
    await database.query({ text: postSql, values: [id, restMs, nodeId, project, ...command] });
    wakes.tellFleet();
  }

  async waiting(nodeIds: readonly string[], limit: number): Promise<readonly PostedCommand[]> {
    const { database } = this.#options;
    const values = [nodeIds, limit];
    const rows = await database.query({ name: 'commands', text: waitingSql, values });
    return (rows as readonly WaitingRow[]).map(([id, nodeId, project, keyId, command, restMs]) => {
      const bytes = Buffer.from(command, 'base64');
      const text = this.#open(id, projectRef(project), keyId, bytes);
      return { id, nodeId, project: projectRef(project), text, restMs: Number(restMs) };
    });
  }

  #open(id: string, project: ProjectRef, keyId: string | null, bytes: Buffer): string {
    if (keyId === null) return bytes.toString();
    return this.#options.cipher.open({ keyId, bytes }, { project, listenerId: id });
  }

  async answer(id: string, text: string): Promise<void> {
    const { database, wakes } = this.#options;
    const statement = 'UPDATE node_commands SET answer = $2 WHERE id = $1::uuid AND answer IS NULL';
    await database.query({ text: statement, values: [id, text] });
    wakes.tellFleet();
  }

  async answers(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { database } = this.#options;
    const rows = await database.query({ name: 'answers', text: answersSql, values: [ids] });
    return new Map(rows as readonly (readonly [string, string])[]);
  }

  async remove(id: string): Promise<void> {
    const text = 'DELETE FROM node_commands WHERE id = $1::uuid';
    await this.#options.database.query({ text, values: [id] });
  }

  onWake(callback: () => void): () => void {
    return this.#options.wakes.onFleet(callback);
  }
}
