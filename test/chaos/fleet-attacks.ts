/** What is done to a fleet while it works. Each attack heals what it broke; they come in pairs. */
import type { AgentProcess } from './agent-process.ts';
import type { KodamaProcess } from './kodama-process.ts';
import { signal } from './processes.ts';
import type { Random } from './random.ts';
import type { RoundStore } from './round-store.ts';

export interface FleetAttacked {
  readonly replicas: readonly KodamaProcess[];
  readonly agents: readonly AgentProcess[];
  readonly store: RoundStore;
  readonly random: Random;
}

type FleetAttack = (attacked: FleetAttacked) => Promise<void>;

const delayMs = 100;

function pause(ms: number): Promise<void> {
  return new Promise((next) => setTimeout(next, ms));
}

/** A network that is broken for 2 to 8 s, in one way. */
function partition(breakIt: (agent: AgentProcess) => void): FleetAttack {
  return async ({ agents, random }) => {
    const agent = random.pick(agents);
    const forMs = random.between(2000, 8000);
    await agent.inTrouble(async () => {
      breakIt(agent);
      await pause(forMs);
      agent.network.restore();
    });
  };
}

/** The processes stand still meanwhile. */
async function frozen(pids: readonly number[], forMs: number): Promise<void> {
  for (const pid of pids) signal(pid, 'SIGSTOP');
  try {
    await pause(forMs);
  } finally {
    for (const pid of pids) signal(pid, 'SIGCONT');
  }
}

export const fleetAttacks: Readonly<Record<string, FleetAttack>> = {
  async kill_replica({ replicas, random }) {
    const replica = random.pick(replicas);
    replica.crash();
    await replica.ready();
  },
  async kill_agent({ agents, random }) {
    random.pick(agents).crash();
  },
  async kill_worker_of_agent({ agents, random }) {
    const agent = random.pick(agents);
    for (const pid of agent.workers()) agent.killWorker(pid);
  },
  async restart_database({ replicas: [replica] }) {
    signal(replica?.postmaster() ?? 0, 'SIGKILL');
  },
  async mute_database({ store, random }) {
    store.proxy?.mute();
    await pause(random.between(50, 1500));
    store.proxy?.cut();
    await pause(random.between(0, 200));
    store.proxy?.restore();
  },
  async hold_database({ store, random }) {
    store.proxy?.hold();
    await pause(random.between(50, 4000));
    store.proxy?.restore();
  },
  cut_agent: partition(({ network }) => network.cut()),
  hold_agent: partition(({ network }) => network.hold()),
  mute_agent: partition(({ network }) => network.mute()),
  deafen_agent: partition(({ network }) => network.deafen()),
  slow_agent: partition(({ network }) => network.delay(delayMs)),
  /** From one replica to the other, and back. */
  async move_agent({ agents, random }) {
    const agent = random.pick(agents);
    for (let times = random.between(1, 4); times > 0; times -= 1) {
      agent.network.cut();
      agent.network.restore();
      await pause(random.between(0, 600));
    }
  },
  async freeze_agent({ agents, random }) {
    const agent = random.pick(agents);
    const forMs = random.between(500, 6000);
    await agent.inTrouble(() => frozen(agent.pid === null ? [] : [agent.pid], forMs));
  },
  async freeze_host({ agents, random }) {
    const agent = random.pick(agents);
    const forMs = random.between(500, 6000);
    await agent.frozen(() => pause(forMs));
  },
  async freeze_replica({ replicas, random }) {
    const replica = random.pick(replicas);
    await frozen(replica.pid === null ? [] : [replica.pid], random.between(500, 6000));
  },
};

/** The same one may come twice, on two nodes or on one. */
export async function attackInPairs(
  isOver: () => boolean,
  attacked: FleetAttacked,
  names: readonly string[] = Object.keys(fleetAttacks),
): Promise<readonly string[]> {
  const { random } = attacked;
  const done: string[] = [];
  while (!isOver()) {
    await pause(random.between(300, 1500));
    const pair = [random.pick(names), random.pick(names)];
    const apartMs = random.between(0, 1000);
    done.push(pair.join('+'));
    await Promise.all(
      pair.map(async (name, index) => {
        await pause(index * apartMs);
        await fleetAttacks[name]?.(attacked);
      }),
    );
  }
  return done;
}

/** How a node is away for longer than it may be. */
export const losses = ['cut', 'hold', 'freeze'] as const;
export type Loss = (typeof losses)[number];

/** Until the condition holds. */
export async function loseNode(
  agent: AgentProcess,
  loss: Loss,
  isLost: () => Promise<unknown>,
): Promise<void> {
  if (loss === 'freeze') {
    await agent.frozen(async () => void (await isLost()));
    return;
  }
  await agent.inTrouble(async () => {
    agent.network[loss]();
    await isLost();
    agent.network.restore();
  });
}
