/**
 * The hostile half of the crowd, in a process of its own: callers of both edges with the worst inputs that the families
 * know, and strangers. It ends by itself, and prints what it did and what CPU that took.
 */

import type { Target } from '../cost-world.ts';
import { callerFamilies } from '../families.ts';
import { many, paced } from './pace.ts';
import { type Marks, strangers } from './strangers.ts';

export interface Attack {
  readonly target: Target;
  readonly marks: Marks;
  readonly seconds: number;
  readonly callers: number;
  /** Of each caller, at most: the next waits for the answer. */
  readonly callsPerSecond: number;
}

export interface Attacked {
  readonly calls: number;
  readonly megabytes: number;
  readonly cpuSeconds: number;
}

const [text = ''] = process.argv.slice(2);
const { target, marks, seconds, callers, callsPerSecond }: Attack = JSON.parse(text);
// Loading took its time: the attack begins when it says so.
console.log('ready');
const signal = AbortSignal.timeout(seconds * 1000);
const inputs = callerFamilies.flatMap((family) => family.worst.map((input) => ({ family, input })));
let calls = 0;
let bytes = 0;
let next = 0;

async function callOne(): Promise<void> {
  const chosen = inputs[next++ % inputs.length];
  if (chosen === undefined) throw new Error('no family has a worst input');
  const sent = await chosen.family.send(target, chosen.input);
  calls += sent.calls;
  bytes += sent.bytesIn;
}

await Promise.all([
  many(callers, () => paced(callsPerSecond, signal, callOne)),
  ...Object.values(strangers).map((stranger) => stranger(marks, signal)),
]);
const { user, system } = process.cpuUsage();
const attacked: Attacked = { calls, megabytes: bytes / 2 ** 20, cpuSeconds: (user + system) / 1e6 };
console.log(JSON.stringify(attacked));
process.exit(0);
