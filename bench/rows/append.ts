/**
 * What PostgreSQL alone costs for each connection, by the size of the appends and the number of projects in each: without
 * workers, load or readers.
 */
import { rm } from 'node:fs/promises';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { Connection } from '../../src/core/connection.ts';
import type { EventDraft } from '../../src/core/event.ts';
import { type ProjectRef, projectRef } from '../../src/core/project.ts';
import type { AppendEntry } from '../../src/core/writer.ts';
import { EmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { PostgresStore } from '../../src/postgres/postgres-store.ts';
import { inTurn, median } from '../figures.ts';
import { makeDataDir } from '../kodama.ts';
import { cpuMilliseconds, processTree } from '../process-stats.ts';
import type { Row } from '../row.ts';

/** Connections of an append, and projects that share them. */
const shapes = [
  [1, 1],
  [10, 1],
  [100, 1],
  [100, 10],
  [100, 100],
] as const;
const projectsMax = 100;
const quiet = { debug() {}, info() {}, warn: console.warn, error: console.error };

export const appendRow: Row = {
  name: 'append',
  async run({ isQuick }) {
    await using resources = new AsyncDisposableStack();
    const dataDir = await makeDataDir();
    resources.defer(() => rm(dataDir, { recursive: true, force: true }));
    const timeouts = { startTimeoutMs: 60_000, stopTimeoutMs: 60_000 };
    const server = resources.use(
      await EmbeddedPostgres.start({ dataDir, log: quiet, ...timeouts }),
    );
    const { connectionString } = server;
    const store = resources.use(
      await PostgresStore.open({ connectionString, nodeId: 'append', log: quiet }),
    );
    const node = await store.nodes.takeOwn();
    const client = new pg.Client({ connectionString });
    await client.connect();
    resources.defer(() => client.end());
    await client.query(projectsSql);
    const walBytes = new Map<string, number>();
    let number = 0;
    const measure = async ({ name, size, projects }: Subject): Promise<number> => {
      const pids = processTree(process.pid).filter((pid) => pid !== process.pid);
      const wal = await walPosition(client);
      const before = cpuMilliseconds(pids);
      const appends = Math.ceil(5000 / size) / (size === 1 ? 10 : 1);
      for (let index = 0; index < appends; index += 1) {
        number += 1;
        const share = size / projects;
        const entries = Array.from({ length: projects }, (_, at) =>
          entry(projectRef(1 + at), share),
        );
        await node.append({ number, entries });
      }
      const connections = appends * size;
      const cpuUs = ((cpuMilliseconds(pids) - before) * 1000) / connections;
      walBytes.set(name, ((await walPosition(client)) - wal) / connections);
      return cpuUs;
    };
    const subjects = shapes.map(([size, projects]) => ({
      name: `append of ${size} connection${size === 1 ? '' : 's'}, opened and closed${projects === 1 ? '' : `, of ${projects} projects`}`,
      ...{ size, projects },
    }));
    await inTurn(subjects, 1, measure);
    const figures = await inTurn(subjects, isQuick ? 5 : 15, measure);
    return subjects.map(({ name }) => ({
      what: `${name}: PostgreSQL`,
      unit: 'µs/connection',
      kodama: median(figures.get(name) ?? []),
      note: `${Math.round(walBytes.get(name) ?? 0)} bytes of write-ahead log each; the least ${Math.min(...(figures.get(name) ?? [])).toFixed(1)} µs`,
    }));
  },
};

interface Subject {
  readonly name: string;
  readonly size: number;
  readonly projects: number;
}

const projectsSql = `WITH made AS (
    INSERT INTO projects (ref, name, created_at) SELECT n, 'bench-' || n, 0 FROM generate_series(2, ${projectsMax}) n
    RETURNING ref
  )
  INSERT INTO log_heads (project, listeners, seq, oldest_seq, max_time, marked_seq, bytes)
  SELECT ref, 0, 0, 1, 0, 0, 0 FROM made`;

function entry(project: ProjectRef, connections: number): AppendEntry {
  const events = Array.from({ length: connections }, life).flat();
  return {
    project,
    events,
    secrets: new Map(),
    counters: [],
    audit: [],
    bytes: 300 * events.length,
  };
}

async function walPosition(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ at: string }>(
    `SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS at`,
  );
  return Number(rows[0]?.at);
}

const listenerIds = Array.from({ length: 10 }, () => uuidv7());
let made = 0;

/** A TCP connection from one of many addresses, from its first event to its last. */
function life(): EventDraft[] {
  made += 1;
  const acceptedAt = Date.now() * 1000;
  const closedAt = acceptedAt + 100;
  const listenerId = listenerIds[made % listenerIds.length] ?? '';
  const source = Math.imul(made, 2654435761) >>> 0;
  const ip = `10.${(source >>> 8) & 255}.${(source >>> 16) & 255}.${source >>> 24}`;
  const open: Connection = {
    ...{ id: uuidv7(), listenerId, nodeId: 'append', protocol: 'tcp', state: 'open' },
    ...{ laddr: { ip: '127.0.0.1', port: 20_000 }, raddr: { ip, port: 1024 + (made % 60_000) } },
    ...{ declaredRaddr: null, pid: 1000, fd: 20 + (made % 50), acceptedAt, tls: null },
    ...{
      firstByteAt: null,
      lastByteAt: null,
      halfClosedAt: null,
      closedAt: null,
      bytesIn: 0,
      bytesOut: 0,
    },
    ...{ closeInitiator: null, closeReason: null, error: null },
  };
  const closed: Connection = {
    ...open,
    ...{
      state: 'closed',
      firstByteAt: acceptedAt + 50,
      lastByteAt: acceptedAt + 60,
      closedAt,
      bytesIn: 16,
      bytesOut: 16,
    },
    ...{ closeInitiator: 'peer', closeReason: 'peer_fin' },
  };
  return [
    { type: 'connection_opened', time: acceptedAt, listenerId, connection: open },
    { type: 'connection_closed', time: closedAt, listenerId, connection: closed },
  ];
}
