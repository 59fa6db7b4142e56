/**
 * One life of the embedded server: its process, its settings and its log file.
 *
 * The server writes its log to a file, not to a pipe: a pipe's reader that is slow would block it, and one that
 * is killed would take its log away.
 */

import { spawn } from 'node:child_process';
import { copyFile, open, rename, rm, stat, statfs, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { isAnswered } from '../node/folder-socket.ts';
import { hintFor, type PostgresBinaries } from './postgres-binaries.ts';
import {
  clusterPids,
  nearSocket,
  readPostmaster,
  socketPort,
  stopCluster,
} from './postgres-cluster.ts';

export interface Installation {
  readonly cluster: string;
  readonly socketDirectory: string;
  readonly logFile: string;
  readonly binaries: PostgresBinaries;
}

export interface Postmaster {
  /** As this host sees it; null if it could not even be started. */
  readonly pid: number | null;
  /** Resolves, never rejects, to how it ended. */
  readonly exited: Promise<string>;
}

const pollMs = 10;
const logBytesMax = 16 * 1024 * 1024;
const logTailBytes = 2_048;
/** A page of the server's: with less it can write nothing, its log neither. */
const roomMinBytes = 8_192;

/**
 * Starts the server, detached: Ctrl-C must reach kodama alone, which still has records to store. `changes` are settings
 * other than those of kodama's own server.
 */
export async function launch(
  installation: Installation,
  changes: Readonly<Record<string, string>> = {},
): Promise<Postmaster> {
  const given = { ...settings(installation.socketDirectory), ...changes };
  const [program = '', ...args] = [
    ...installation.binaries.prefix,
    ...[installation.binaries.postgres, '-D', installation.cluster],
    ...Object.entries(given).flatMap(([k, v]) => ['-c', `${k}=${v}`]),
  ];
  await rename(installation.logFile, `${installation.logFile}.1`).catch(() => {});
  const log = await open(installation.logFile, 'a', 0o600);
  try {
    const child = spawn(program, args, {
      cwd: installation.cluster,
      env: installation.binaries.env,
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
    const exited = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    // Whatever ends this process, its database ends too: a fast shutdown, which needs nobody to wait for it.
    const shutDownFast = () => child.kill('SIGINT') && child.kill('SIGCONT');
    process.once('exit', shutDownFast);
    void exited.then(() => process.off('exit', shutDownFast));
    // What keeps kodama alive is its own work, never its database.
    child.unref();
    return { pid: child.pid ?? null, exited };
  } finally {
    await log.close();
  }
}

/** Throws with the server's last words if it ends first, or if it is not ready when the signal comes. */
export async function untilReady(
  installation: Installation,
  postmaster: Postmaster,
  signal: AbortSignal,
): Promise<void> {
  let ended: string | null = null;
  void postmaster.exited.then((how) => {
    ended = how;
  });
  for (;;) {
    if (ended !== null) {
      await assertRoom(installation.cluster);
      const words = `${ended}\n${await logTail(installation.logFile)}`.trim();
      throw new Error(`PostgreSQL did not start: ${words}${hintFor(words)}`);
    }
    const status = await readPostmaster(installation.cluster);
    // The pid file may be a dead server's: only our child's word counts.
    if (status?.pid === postmaster.pid && status?.state === 'ready') return;
    if (signal.aborted) {
      throw new Error(`PostgreSQL was not ready in time:\n${await logTail(installation.logFile)}`, {
        cause: signal.reason,
      });
    }
    await delay(pollMs);
  }
}

/** What a server ended of cannot be in its log where the disk is full. */
async function assertRoom(cluster: string): Promise<void> {
  const { bavail, bsize } = await statfs(cluster);
  if (bavail * bsize >= roomMinBytes) return;
  throw new Error(
    `PostgreSQL did not start: no space is left in KODAMA_DATA_DIR (${dirname(cluster)}): make room on its disk`,
  );
}

/** Resolves when the server and all its children are gone. */
export async function shutDown(
  installation: Installation,
  postmaster: Postmaster,
  timeoutMs: number,
): Promise<void> {
  const isGone = postmaster.exited.then(() => true);
  // More than once, for a server that has only just been started and is not in its folder yet.
  do await stopCluster(installation.cluster, timeoutMs, postmaster.pid);
  while (!(await Promise.race([isGone, delay(pollMs, false)])));
}

/** Keeps the log file bounded while the server goes on appending to it. */
export async function boundLog(logFile: string): Promise<void> {
  const { size } = await stat(logFile);
  if (size <= logBytesMax) return;
  await copyFile(logFile, `${logFile}.1`);
  await truncate(logFile);
}

export async function logTail(logFile: string): Promise<string> {
  const log = await open(logFile).catch(() => null);
  if (log === null) return '';
  try {
    const { size } = await log.stat();
    const position = Math.max(0, size - logTailBytes);
    const { buffer, bytesRead } = await log.read(
      Buffer.alloc(logTailBytes),
      0,
      logTailBytes,
      position,
    );
    return buffer.toString('utf8', 0, bytesRead).trim();
  } finally {
    await log.close();
  }
}

/**
 * Refuses a server that answers and is none of this host's processes, as one of another container: it can not be ended
 * from here, and two on one cluster destroy it. Its pid file says nothing here, and its memory is not seen.
 */
export async function assertNoneElsewhere(dataDir: string, cluster: string): Promise<void> {
  if (process.platform !== 'linux' || (await clusterPids(cluster)).length > 0) return;
  const socket = `${nearSocket}/.s.PGSQL.${socketPort}`;
  if (!(await isAnswered(dataDir, socket))) return;
  throw new Error(
    `the data directory ${dataDir} is in use by a PostgreSQL that is not seen here, as of another container: ` +
      'end that, or set another directory with KODAMA_DATA_DIR',
  );
}

/** Removes the socket of a server that is gone, killed ones included. */
export async function removeSocket(socketDirectory: string): Promise<void> {
  const socket = join(socketDirectory, `.s.PGSQL.${socketPort}`);
  await rm(socket, { force: true });
  await rm(`${socket}.lock`, { force: true });
}

/** Given on the command line, so that a cluster never carries settings of an older kodama. */
function settings(socketDirectory: string): Readonly<Record<string, string>> {
  return {
    // A list of folders: quoted, for a path may hold a comma or a space.
    unix_socket_directories: `"${socketDirectory.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    listen_addresses: '',
    port: String(socketPort),
    max_connections: '50',
    // Stored means stored: these are the defaults, and the promise of the event log.
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    // Nobody replicates from here; without it less is written, and nothing at all while idle.
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_logical_replication_workers: '0',
    // Fewer, longer checkpoints: fewer full pages in the log. What they cost is the recovery after a crash.
    max_wal_size: '2GB',
    min_wal_size: '128MB',
    checkpoint_completion_target: '0.9',
    shared_buffers: '128MB',
    // Short queries over few pages: reading by oneself beats asking a worker, and saves three processes.
    io_method: 'sync',
    jit: 'off',
    max_parallel_workers_per_gather: '0',
    random_page_cost: '1.1',
    update_process_title: 'off',
    // Tables that only grow: little to clean, but statistics and the visibility map must keep up with the growth.
    autovacuum_vacuum_scale_factor: '0.05',
    autovacuum_vacuum_insert_scale_factor: '0.1',
    autovacuum_analyze_scale_factor: '0.05',
    timezone: 'UTC',
    log_timezone: 'UTC',
    client_min_messages: 'warning',
    log_checkpoints: 'off',
    // A server that was killed first makes sure that every file of its is on disk: by one call where there is one
    // (syncfs(2)). One by one its thousand files take seconds on a busy disk.
    ...(process.platform === 'linux' && { recovery_init_sync_method: 'syncfs' }),
  };
}
