/** The options that say what a listener is to be, and the body that they make. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Delay } from './durations.ts';
import { usageFailure } from './failure.ts';
import {
  address,
  atLeastOne,
  changedLabels,
  choice,
  delay,
  type LabelChanges,
  type Labels,
  label,
  labelChangeOption,
  labelOption,
  lifetime,
  networks,
  networksOr,
  option,
  orNone,
  port,
  rate,
  repeatable,
  size,
  wholeNumber,
  withOptions,
} from './flags.ts';
import type { Listener } from './rest-client.ts';

export type FaultBody = Readonly<Record<string, unknown>> & { readonly type: string };

export interface ChangeOptions {
  readonly label?: Labels;
  readonly ttl?: number | 'none';
  readonly idle?: number | 'none';
  readonly maxConnections?: number;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  /** False: --no-faults. */
  readonly faults?: boolean;
  readonly seed?: number;
}

interface SetOptions {
  /** False: --no-name. */
  readonly name?: string | false;
  readonly label?: LabelChanges;
  /** False: --no-labels. */
  readonly labels: boolean;
  readonly idle?: number | 'none';
}

export interface NewListenerOptions extends ChangeOptions {
  readonly name?: string;
  readonly port?: number;
  readonly host?: string;
  readonly udp?: true;
  readonly tls?: true;
  readonly info?: true;
  readonly discard?: true;
  readonly durable?: true;
  readonly proxy?: string;
  readonly proxyTrusted?: readonly string[];
  readonly node?: string;
  readonly nodeSelector?: Labels;
}

const newOptions = () => [
  option('-p, --port <port>', 'the port; without it any free one', port),
  option('--host <address>', 'the address to bind', address),
  option('-n, --name <name>', 'what it is called'),
  new Option('--udp', 'UDP instead of TCP').conflicts(['tls', 'proxy', 'proxyTrusted']),
  new Option('--tls', 'TLS, with a certificate made on the spot'),
  new Option('--info', 'tell each client its connection first, in a line of JSON').conflicts(
    'discard',
  ),
  new Option('--discard', 'send nothing back'),
  new Option('--durable', 'echo nothing before the connection is on record'),
  choice('--proxy <mode>', 'a PROXY header may or must come first', ['optional', 'required']),
  repeatable(
    '--proxy-trusted <network|any>',
    'only these may send it; any where nothing is said',
    networksOr('any'),
  ),
  option('--node <node>', 'on this node, by its name or id'),
  repeatable('--node-selector <key=value>', 'on a node with this label', label).conflicts('node'),
];

const connectionsOption = () =>
  option('--max-connections <n>', 'open connections at once; more are refused', atLeastOne);

const boundOptions = () => [
  labelOption('to find it by'),
  option('--ttl <duration>', 'close it after so long', lifetime),
  option('--idle <duration>', 'close a connection after so long without a byte', lifetime),
  connectionsOption(),
  repeatable('--allow <network>', 'only these may connect', networks),
  repeatable('--deny <network>', 'these may not connect', networks),
];

const changeOptions = () => [
  option('-n, --name <name>', 'what it is called from now on'),
  new Option('--no-name', 'take its name away'),
  labelChangeOption('set this label, and keep the others'),
  new Option('--no-labels', 'take all labels away that are not given here'),
  option('--ttl <duration|none>', 'close it so long from now; none is never', mayEnd),
  option('--idle <duration|none>', 'close a connection after so long without a byte', mayEnd),
  connectionsOption(),
  repeatable('--allow <network|any>', 'from now on only these may connect', networksOr('any')),
  repeatable('--deny <network|none>', 'from now on these may not connect', networksOr('none')),
];

const mayEnd = orNone(lifetime);

/** The faults of each command, in the order of its flags. */
const faultsOf = new WeakMap<Command, FaultBody[]>();

function faultOptions(command: Command): readonly Option[] {
  const faults: FaultBody[] = [];
  faultsOf.set(command, faults);
  const add =
    <Value>(read: (text: string) => Value, toFault: (value: Value) => FaultBody) =>
    (text: string) =>
      faults.push(toFault(read(text)));
  return [
    repeatable(
      '--latency <delay>',
      'fault: bytes come back late, 300ms or 300ms±50ms',
      add(delay, ({ delayMs, jitterMs }: Delay) => ({
        type: 'latency',
        delayMs,
        ...(jitterMs === 0 ? {} : { jitterMs }),
      })),
    ),
    repeatable(
      '--bandwidth <rate>',
      'fault: bytes come back no faster, 1MB/s',
      add(rate, (bytesPerSecond) => ({ type: 'bandwidth', bytesPerSecond })),
    ),
    repeatable(
      '--limit <size[:end]>',
      'fault: so many bytes come back, then fin, rst or blackhole, 1kB:rst',
      add(limit, (fault) => fault),
    ),
    repeatable(
      '--fault <json>',
      'any fault, as the API takes it',
      add(faultJson, (fault) => fault),
    ),
    option(
      '--seed <n>',
      'makes the chance of the faults repeat: the first has n, the next n + 1',
      wholeNumber,
    ),
  ];
}

const ends = ['fin', 'rst', 'blackhole'];

function limit(text: string): FaultBody {
  const [amount = '', action = 'fin', ...rest] = text.split(':');
  if (!ends.includes(action) || rest.length > 0) {
    throw new InvalidArgumentError(`Behind the colon stands one of ${ends.join(', ')}.`);
  }
  return { type: 'limit', bytes: size(amount), action };
}

function faultJson(text: string): FaultBody {
  try {
    const fault: unknown = JSON.parse(text);
    if (typeof fault === 'object' && fault !== null && 'type' in fault) return fault as FaultBody;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  throw new InvalidArgumentError('It is no object with a type, such as {"type":"refuse"}.');
}

/** To make one. */
export function withNewListenerFlags(command: Command): Command {
  return withOptions(command, [...newOptions(), ...boundOptions(), ...faultOptions(command)]);
}

/** To change one: the networks and faults that are given are all that it has then. */
export function withChangeFlags(command: Command): Command {
  const noFaults = new Option('--no-faults', 'take all faults away that are not given here');
  const changes = [...changeOptions(), ...faultOptions(command), noFaults];
  const fixed = newOptions().filter((one) => changes.every(({ long }) => long !== one.long));
  for (const one of fixed) one.hideHelp();
  return withOptions(command, [...changes, ...fixed]);
}

/** The body of POST /v1/listeners. */
export function newListenerBody(command: Command): Readonly<Record<string, unknown>> {
  const options = command.opts<NewListenerOptions>();
  const { name, port: number, host, udp, tls, info, discard, durable } = options;
  const protocol = udp ? 'udp' : tls ? 'tls' : undefined;
  const mode = info ? 'info' : discard ? 'discard' : undefined;
  return given({
    name,
    port: number,
    host,
    protocol,
    mode,
    recording: durable ? 'durable' : undefined,
    proxyProtocol: proxyProtocolOf(options),
    placement: placementOf(options),
    ...commonBody(command, protocol === 'udp'),
  });
}

/** @throws CommandFailure for those who may send a header that nobody is to send */
function proxyProtocolOf({ proxy, proxyTrusted }: NewListenerOptions): object | undefined {
  if (proxy !== undefined) return given({ mode: proxy, trustedCidrs: proxyTrusted });
  if (proxyTrusted === undefined) return undefined;
  throw usageFailure('--proxy-trusted goes with --proxy optional or --proxy required');
}

function placementOf({ node, nodeSelector: selector }: NewListenerOptions): object | undefined {
  return node === undefined && selector === undefined ? undefined : given({ node, selector });
}

type Changed = Pick<Listener, 'protocol' | 'labels'>;

/** The body of PATCH /v1/listeners/{id}. How it is now is looked up where the change goes by that. */
export async function changeBody(
  command: Command,
  lookUp: () => Promise<Changed>,
): Promise<Readonly<Record<string, unknown>>> {
  const { name, label: changes, labels: isKept, idle } = command.opts<SetOptions>();
  const isLookedUp = idle !== undefined || (changes !== undefined && isKept);
  const now = isLookedUp ? await lookUp() : null;
  const before = isKept ? (now?.labels ?? {}) : {};
  return given({
    ...commonBody(command, now?.protocol === 'udp'),
    name: name === false ? null : name,
    labels: changes === undefined && isKept ? undefined : changedLabels(before, changes ?? {}),
  });
}

/** @throws CommandFailure for a seed that nothing would draw from */
function commonBody(command: Command, isUdp: boolean): Readonly<Record<string, unknown>> {
  const {
    label: labels,
    ttl,
    idle,
    maxConnections,
    allow,
    deny,
    seed,
    faults,
  } = command.opts<ChangeOptions>();
  const asked = faultsOf.get(command) ?? [];
  if (seed !== undefined && asked.every((fault) => 'seed' in fault)) {
    throw usageFailure('--seed goes with a fault that has no seed of its own, such as --latency');
  }
  const added = asked.map((fault, index) =>
    seed === undefined ? fault : { seed: seed + index, ...fault },
  );
  const limits = given({
    [isUdp ? 'udpIdleTimeoutMs' : 'idleTimeoutMs']: idle === 'none' ? null : idle,
    maxConnections,
    allowCidrs: allow,
    denyCidrs: deny,
  });
  return {
    labels,
    ...(ttl === 'none' ? { expiresAt: null } : { ttlMs: ttl }),
    limits: Object.keys(limits).length === 0 ? undefined : limits,
    faults: added.length > 0 || faults === false ? added : undefined,
  };
}

function given(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
