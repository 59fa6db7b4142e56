/** What a durable write costs on the disk of a data directory: eight kilobytes and one fdatasync(2). */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const page = Buffer.alloc(8192);

export class Disk implements Disposable {
  readonly #file: number;

  constructor(dataDir: string) {
    this.#file = openSync(join(dataDir, 'sync'), 'w');
  }

  syncMs(): number {
    const startedAt = performance.now();
    writeSync(this.#file, page, 0, page.length, 0);
    fdatasyncSync(this.#file);
    return performance.now() - startedAt;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
