/** The projects that there are. One that is being deleted is found no more. */
import { type ProjectRef, projectRef } from '../core/project.ts';
import type { ProjectDirectory } from '../core/store.ts';
import type { Database } from './database.ts';

export class ProjectRows implements ProjectDirectory {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(name: string): Promise<ProjectRef | null> {
    const text = "SELECT ref FROM projects WHERE name = $1 AND state = 'active'";
    const [row] = await this.#database.query({ name: 'project', text, values: [name] });
    return row === undefined ? null : projectRef(row[0] as number);
  }

  async all(): Promise<readonly ProjectRef[]> {
    const text = 'SELECT project FROM log_heads ORDER BY project';
    const rows = await this.#database.query({ name: 'projects', text });
    return rows.map(([ref]) => projectRef(ref as number));
  }
}
