/**
 * Which connections a reader wants. A filter is the query of `GET /v1/connections` under its own names, and so part of the
 * page's URL; what the API answers for it is what it lets through here, too.
 */
import { closeReasons, connectionStates } from '../core/connection.ts';
import { protocols } from '../core/listener.ts';
import { formatTime, parseTime } from '../core/time.ts';
import type { ConnectionView, EventView } from '../http/resources.ts';
import { isIn, parseNetwork } from './networks.ts';

export const filterNames = [
  'listener',
  'state',
  'protocol',
  'raddr',
  'declaredRaddr',
  'lport',
  'closeReason',
  'acceptedAfter',
  'acceptedBefore',
] as const;
export type FilterName = (typeof filterNames)[number];
export type ConnectionFilter = Readonly<Partial<Record<FilterName, string>>>;

interface Address {
  readonly ip: string;
}

/** What is the same of a connection and of an arrival that was refused. */
interface Arrival {
  readonly listenerId: string;
  readonly protocol: string;
  readonly laddr: { readonly port: number };
  readonly raddr: Address | null;
  /** A refusal has none: the header is read of what is let in. */
  readonly declaredRaddr?: Address | null;
  /** When it came. */
  readonly time: string;
}

type Test = (arrival: Arrival) => boolean;

export function filterOf(query: URLSearchParams): ConnectionFilter {
  const given = filterNames.map((name) => [name, query.get(name) ?? ''] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== ''));
}

/** `listenerId` is that of the filter's listener. What no connection can be, such as a network that is none, lets none through. */
export function connectionTest(
  filter: ConnectionFilter,
  listenerId: string | null,
): (connection: ConnectionView) => boolean {
  const tests = arrivalTests(filter, listenerId);
  const { state, closeReason } = filter;
  return (connection) => {
    if (state !== undefined && connection.state !== state) return false;
    if (closeReason !== undefined && connection.closeReason !== closeReason) return false;
    const arrival = { ...connection, time: connection.acceptedAt };
    return tests.every((test) => test(arrival));
  };
}

/** Whoever asks for a state or an end asks for connections: a refusal has neither. */
export function refusalTest(
  filter: ConnectionFilter,
  listenerId: string | null,
): (event: EventView) => boolean {
  const tests = arrivalTests(filter, listenerId);
  if (filter.state !== undefined || filter.closeReason !== undefined) return () => false;
  return ({ refusal, listenerId: id = '', time }) =>
    refusal !== undefined && tests.every((test) => test({ ...refusal, listenerId: id, time }));
}

function arrivalTests(filter: ConnectionFilter, listenerId: string | null): readonly Test[] {
  const { listener, protocol, lport, acceptedAfter, acceptedBefore } = filter;
  const tests: Test[] = [];
  if (listener !== undefined) tests.push((arrival) => arrival.listenerId === listenerId);
  if (protocol !== undefined) tests.push((arrival) => arrival.protocol === protocol);
  if (lport !== undefined) tests.push(({ laddr }) => laddr.port === Number(lport));
  for (const name of ['raddr', 'declaredRaddr'] as const) {
    const network = parseNetwork(filter[name] ?? '');
    if (filter[name] !== undefined) tests.push((arrival) => isInIt(network, arrival[name] ?? null));
  }
  if (acceptedAfter !== undefined) {
    const after = plainTime(acceptedAfter);
    tests.push(({ time }) => after !== null && time >= after);
  }
  if (acceptedBefore !== undefined) {
    const before = plainTime(acceptedBefore);
    tests.push(({ time }) => before !== null && time < before);
  }
  return tests;
}

function isInIt(network: ReturnType<typeof parseNetwork>, address: Address | null): boolean {
  return network !== null && address !== null && isIn(network, address.ip);
}

/** As the API writes times, which so are in order as text. */
function plainTime(text: string): string | null {
  const micros = parseTime(text);
  return micros === null ? null : formatTime(micros);
}

export interface ReadTerms {
  readonly filter: ConnectionFilter;
  /** What is no `name:value` of a filter. */
  readonly unread: readonly string[];
}

/** `listener:edge state:open`: of a name that is there twice the last one holds. */
export function readTerms(text: string): ReadTerms {
  const filter: Partial<Record<FilterName, string>> = {};
  const unread: string[] = [];
  for (const term of text.split(/\s+/).filter((part) => part !== '')) {
    const at = term.indexOf(':');
    const name = filterNames.find((one) => one === term.slice(0, at));
    const value = term.slice(at + 1);
    if (name === undefined || value === '') unread.push(term);
    else filter[name] = value;
  }
  return { filter, unread };
}

const words: Readonly<Partial<Record<FilterName, readonly string[]>>> = {
  state: connectionStates,
  protocol: protocols,
  closeReason: closeReasons,
};

/** The text with its last term ended in each way that it can be. */
export function completions(text: string, listeners: readonly string[]): readonly string[] {
  const term = /\S*$/.exec(text)?.[0] ?? '';
  const before = text.slice(0, text.length - term.length);
  const [name = '', value] = term.split(':', 2);
  const ends =
    value === undefined
      ? filterNames.map((one) => `${one}:`)
      : valuesOf(name, listeners).map((one) => `${name}:${one}`);
  return ends.filter((end) => end.startsWith(term) && end !== term).map((end) => before + end);
}

function valuesOf(name: string, listeners: readonly string[]): readonly string[] {
  if (name === 'listener') return listeners;
  return words[name as FilterName] ?? [];
}
