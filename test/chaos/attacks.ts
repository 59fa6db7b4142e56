/** What is done to kodama while it works. Each attack heals what it broke. */
import type { KodamaProcess } from './kodama-process.ts';
import { signal } from './processes.ts';
import type { Random } from './random.ts';
import type { RoundStore } from './round-store.ts';

export interface Attacked {
  readonly target: KodamaProcess;
  /** A second node on the same database. */
  readonly other: KodamaProcess | null;
  readonly store: RoundStore;
  readonly random: Random;
}

type Attack = (attacked: Attacked) => Promise<void>;

function pause(ms: number): Promise<void> {
  return new Promise((next) => setTimeout(next, ms));
}

/** Stops the processes for a while. */
async function freeze(pids: readonly number[], random: Random): Promise<void> {
  const forMs = random.between(50, 1500);
  for (const pid of pids) signal(pid, 'SIGSTOP');
  try {
    await pause(forMs);
  } finally {
    for (const pid of pids) signal(pid, 'SIGCONT');
  }
}

function pickOf(random: Random, pids: readonly number[]): readonly number[] {
  return pids.length === 0 ? [] : [random.pick(pids)];
}

const everywhere: Readonly<Record<string, Attack>> = {
  async kill_worker({ target, random }) {
    for (const pid of pickOf(random, target.workers())) target.killWorker(pid);
  },
  async kill_control_plane({ target }) {
    target.crash();
    await target.ready();
  },
  async kill_backend({ target, random }) {
    for (const pid of pickOf(random, target.backends())) signal(pid, 'SIGKILL');
  },
  async kill_postmaster({ target }) {
    signal(target.postmaster() ?? 0, 'SIGKILL');
  },
  async freeze_worker({ target, random }) {
    await freeze(pickOf(random, target.workers()), random);
  },
  async freeze_control_plane({ target, random }) {
    await freeze(target.pid === null ? [] : [target.pid], random);
  },
  async freeze_postgres({ target, random }) {
    const postmaster = target.postmaster();
    await freeze(postmaster === null ? [] : [postmaster, ...target.backends()], random);
  },
  /** Its worker can not see that it is alone, and holds every port until the next run ends it. */
  async kill_control_plane_of_frozen_worker({ target, random }) {
    for (const pid of pickOf(random, target.workers())) signal(pid, 'SIGSTOP');
    target.crash();
    await target.ready();
  },
  /** Two at once: whatever the worker had told is on its way when its reader dies too. */
  async kill_worker_and_control_plane({ target, random }) {
    const workers = pickOf(random, target.workers());
    for (const pid of workers) target.killWorker(pid);
    await pause(random.between(0, 30));
    target.crash();
    await target.ready();
  },
};

/** The connection to an external server. */
const withProxy: Readonly<Record<string, Attack>> = {
  async cut_store({ store, random }) {
    store.proxy?.cut();
    await pause(random.between(50, 2000));
    store.proxy?.restore();
  },
  async hold_store({ store, random }) {
    store.proxy?.hold();
    await pause(random.between(50, 2000));
    store.proxy?.restore();
  },
  /** Commits land, and kodama can not know it. */
  async mute_store({ store, random }) {
    store.proxy?.mute();
    await pause(random.between(50, 1500));
    store.proxy?.cut();
    await pause(random.between(0, 200));
    store.proxy?.restore();
  },
};

const withOtherNode: Readonly<Record<string, Attack>> = {
  async kill_other_node({ other }) {
    other?.crash();
    await other?.ready();
  },
  async freeze_other_node({ other, random }) {
    const pid = other?.pid ?? null;
    await freeze(pid === null ? [] : [pid], random);
  },
};

const withSmallDisk: Readonly<Record<string, Attack>> = {
  async disk_full({ target, store, random }) {
    if (store.fillDisk === null) return;
    target.mayFail = true;
    const free = await store.fillDisk();
    await pause(random.between(200, 2000));
    await free();
    await target.ready();
    target.mayFail = false;
  },
  async disk_full_at_crash({ target, store, random }) {
    if (store.fillDisk === null) return;
    target.mayFail = true;
    const free = await store.fillDisk();
    target.crash();
    await pause(random.between(200, 2000));
    await free();
    await target.ready();
    target.mayFail = false;
  },
};

export function attacksOn({ store, other }: Attacked): Readonly<Record<string, Attack>> {
  const { proxy, fillDisk } = store;
  return {
    ...everywhere,
    ...(proxy === null ? {} : withProxy),
    ...(other === null ? {} : withOtherNode),
    ...(fillDisk === null ? {} : withSmallDisk),
  };
}
