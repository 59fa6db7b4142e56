/** One search: its ladders, those of both directions at once, beside a connection that is never silent. */
import { lookup } from 'node:dns/promises';
import { formatElapsed } from '../durations.ts';
import { failed } from '../failure.ts';
import { nameOf, whereText } from '../resource-tables.ts';
import { BusyControl } from './busy-control.ts';
import type { Found } from './idle-report.ts';
import { type Climb, climb, type Rung } from './ladder.ts';
import { answerMs, type Probe, ProbeFailure } from './probe.ts';
import { type Direction, rungsBetween, type SearchPlan, targetText } from './search-plan.ts';
import type { TargetListener } from './target-listener.ts';
import { TcpProbe } from './tcp-probe.ts';
import { UdpProbe } from './udp-probe.ts';
import { verdictOf } from './verdict.ts';

export interface SearchOptions {
  readonly plan: SearchPlan;
  readonly listener: TargetListener;
  readonly signal: AbortSignal;
  /** Told how far it is. */
  readonly say: (text: string) => void;
}

/** What was found for each direction. @throws CommandFailure where the target does not lead to the listener */
export async function search(options: SearchOptions): Promise<readonly Found[]> {
  const { plan, listener, signal, say } = options;
  const { directions, silencesMs } = plan;
  using probes = new DisposableStack();
  const { ip, first } = await firstProbe(options);
  using control = new BusyControl(probes.use(first), Math.min(...silencesMs));
  const open = async () => probes.use(await openProbe(ip, options));
  const rungs = new Map<Direction, readonly Rung[]>();
  const climbAll = async (climbs: readonly Climb[]) => {
    say(planText(options, climbs));
    const added = await climb(climbs, {
      open,
      speak: (word) => listener.speak(word, signal),
      signal,
      voided: control.died,
      onRung: (direction, rung) => say(rungText(direction, rung)),
    });
    await listener.hush();
    for (const [at, { direction }] of climbs.entries()) {
      rungs.set(direction, [...(rungs.get(direction) ?? []), ...(added[at] ?? [])]);
    }
  };
  const judge = async (direction: Direction): Promise<Found> => {
    const joined = await listener.join(rungs.get(direction) ?? [], signal);
    const inOrder = joined.toSorted((one, other) => one.silenceMs - other.silenceMs);
    const { death } = control;
    return { plan, direction, rungs: inOrder, death, verdict: verdictOf(inOrder, death) };
  };
  await climbAll(directions.map((direction) => ({ direction, silencesMs })));
  const finds = await Promise.all(directions.map(judge));
  const finer = plan.isRefined ? finds.flatMap((found) => finerClimb(found)) : [];
  if (finer.length === 0) return finds;
  await climbAll(finer);
  return await Promise.all(directions.map(judge));
}

/** Within what was found. */
function finerClimb({ plan, direction, verdict }: Found): readonly Climb[] {
  const { aliveMs, deadMs } = verdict;
  if (aliveMs === null || deadMs === null) return [];
  const silencesMs = rungsBetween(aliveMs, deadMs, plan.silencesMs.length);
  return silencesMs.length === 0 ? [] : [{ direction, silencesMs }];
}

/** A connection to the target that has told that it is one of the listener. @throws ProbeFailure */
async function openProbe(ip: string, { plan, listener, signal }: SearchOptions): Promise<Probe> {
  const place = { ip, port: plan.target.port, signal };
  const probe = await (plan.protocol === 'udp' ? UdpProbe.open(place) : TcpProbe.open(place));
  const { listenerId } = probe.greeting;
  if (listenerId === listener.listener.id) return probe;
  probe[Symbol.dispose]();
  throw new ProbeFailure(`it leads to another listener, ${listenerId}`);
}

/** At the first address of the target that leads to the listener: all others are opened there. */
async function firstProbe(
  options: SearchOptions,
): Promise<{ readonly ip: string; readonly first: Probe }> {
  const { target } = options.plan;
  const { listener } = options.listener;
  const whys: string[] = [];
  for (const ip of await addressesOf(target.host)) {
    try {
      return { ip, first: await openProbe(ip, options) };
    } catch (error) {
      if (!(error instanceof ProbeFailure)) throw error;
      whys.push(error.message);
    }
  }
  throw failed(
    `cannot reach ${nameOf(listener)} at ${whereText(listener)} through ${targetText(target)}: ${whys.join(', ')}`,
    '--listen-port and --listen-host say where the listener is to be, or --listener which one it is',
  );
}

async function addressesOf(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw failed(`cannot resolve ${host}: ${(error as Error).message}`);
  }
}

function planText({ plan, listener }: SearchOptions, climbs: readonly Climb[]): string {
  const all = climbs.flatMap(({ silencesMs }) => silencesMs);
  const [shortest, longest] = [Math.min(...all), Math.max(...all)];
  const where = `through ${targetText(plan.target)} to ${nameOf(listener.listener)}`;
  const lastsMs = longest + answerMs * climbs.length;
  return (
    `${all.length} silences from ${formatElapsed(shortest)} to ${formatElapsed(longest)} ${where}: ` +
    `${formatElapsed(lastsMs)} at most`
  );
}

function rungText(direction: Direction, { silenceMs, client }: Rung): string {
  return `${direction}  ${formatElapsed(silenceMs).padStart(10)}  ${client}`;
}
