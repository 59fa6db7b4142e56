/** What is done to kodama while it works. Each attack heals what it broke. */
import type { KodamaProcess } from './kodama-process.ts';
import { signal } from './kodama-process.ts';
import type { Random } from './random.ts';

type Attack = (target: KodamaProcess, random: Random) => Promise<void>;

/** Stops the processes for a while. */
async function freeze(pids: readonly number[], forMs: number): Promise<void> {
  for (const pid of pids) signal(pid, 'SIGSTOP');
  try {
    await new Promise((next) => setTimeout(next, forMs));
  } finally {
    for (const pid of pids) signal(pid, 'SIGCONT');
  }
}

export const attacks: Readonly<Record<string, Attack>> = {
  async kill_worker(target, random) {
    const workers = await target.workers();
    if (workers.length > 0) signal(random.pick(workers), 'SIGKILL');
  },
  async kill_control_plane(target) {
    target.crash();
    await target.ready();
  },
  async kill_backend(target, random) {
    const backends = await target.backends();
    if (backends.length > 0) signal(random.pick(backends), 'SIGKILL');
  },
  async kill_postmaster(target) {
    const postmaster = await target.postmaster();
    if (postmaster !== null) signal(postmaster, 'SIGKILL');
  },
  async freeze_worker(target, random) {
    await freeze(await target.workers(), random.between(50, 1500));
  },
  async freeze_control_plane(target, random) {
    await freeze(target.pid === null ? [] : [target.pid], random.between(50, 1500));
  },
  async freeze_postgres(target, random) {
    const postmaster = await target.postmaster();
    const pids = [postmaster ?? 0, ...(await target.backends())].filter((pid) => pid > 0);
    await freeze(pids, random.between(50, 1500));
  },
};
