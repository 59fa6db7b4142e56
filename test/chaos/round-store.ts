/** Where the kodama of a round keeps its log: embedded, embedded on a small disk, or outside behind a proxy. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { type StoreProxy, startStoreProxy } from '../support/store-proxy.ts';

export const storeKinds = ['embedded', 'small_disk', 'external'] as const;
export type StoreKind = (typeof storeKinds)[number];

export interface RoundStore extends AsyncDisposable {
  readonly kind: StoreKind;
  readonly dataDir: string;
  readonly cluster: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly proxy: StoreProxy | null;
  /** Of a second node on the same database; null where the database is the first one's own. */
  readonly otherDataDir: string | null;
  /** Leaves no byte free on its disk; resolves with what frees it again. Null where the disk is not its own. */
  readonly fillDisk: (() => Promise<() => Promise<void>>) | null;
}

/** Room for a cluster and a little growth. */
const smallDiskBytes = 200 * 1024 * 1024;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

export async function makeRoundStore(kind: StoreKind): Promise<RoundStore> {
  await using resources = new AsyncDisposableStack();
  const dataDir = await makeDirectory(resources);
  const cluster = join(dataDir, 'postgres');
  const own = { dataDir, cluster, environment: {}, proxy: null, otherDataDir: null };
  const isSmall = kind === 'small_disk' && mountSmallDisk(dataDir, resources);
  const fillDisk = isSmall ? () => fill(join(dataDir, 'ballast')) : null;
  const parts = kind === 'external' ? await startExternal(resources) : {};
  const all = resources.move();
  return {
    ...own,
    ...parts,
    kind,
    fillDisk,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function makeDirectory(resources: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'kodama-chaos-'));
  resources.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

async function startExternal(resources: AsyncDisposableStack) {
  const directory = await makeDirectory(resources);
  const bounds = { startTimeoutMs: 60_000, stopTimeoutMs: 5000 };
  const server = await EmbeddedPostgres.start({ dataDir: directory, log: quiet, ...bounds });
  resources.use(server);
  const proxy = resources.use(await startStoreProxy(server.connectionString));
  const environment = { DATABASE_URL: proxy.url };
  const otherDataDir = await makeDirectory(resources);
  return { cluster: join(directory, 'postgres'), environment, proxy, otherDataDir };
}

/** False, with a word, where this user may not mount. */
function mountSmallDisk(directory: string, resources: AsyncDisposableStack): boolean {
  try {
    const options = ['-t', 'tmpfs', '-o', `size=${smallDiskBytes},mode=700`, 'kodama-chaos'];
    execFileSync('mount', [...options, directory], { stdio: 'pipe' });
  } catch {
    console.error('no small disk can be mounted here: disk_full is left out');
    return false;
  }
  resources.defer(() => void execFileSync('umount', ['--lazy', directory]));
  return true;
}

async function fill(path: string): Promise<() => Promise<void>> {
  const file = await open(path, 'w');
  try {
    for (let block = Buffer.alloc(1 << 20); block.length > 0; ) {
      try {
        const { bytesWritten } = await file.write(block);
        if (bytesWritten < block.length) block = block.subarray(bytesWritten);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
        block = block.subarray(0, block.length >> 1);
      }
    }
  } finally {
    await file.close();
  }
  return () => rm(path, { force: true });
}
