/** Every documented filter of GET /v1/connections, and combinations, over what seed.ts made. */
import type { ListenerView } from './kodama.ts';
import { listenerCount } from './seed.ts';

export interface HistoryCase {
  readonly name: string;
  /** Query strings; the first page is asked for with each in turn, the first of them is read page by page. */
  readonly queries: readonly string[];
}

const day = 86_400_000;
const reasons = ['peer_fin', 'idle_timeout', 'error', 'write_timeout', 'max_bytes', 'operator_rst'];
const networks = [
  ...['10.0.0.0/24', '10.0.0.0/8', '10.1.0.0/16', '10.1.7.0/24', '10.1.7.8/29', '192.168.0.0/17'],
  ...['203.0.113.0/24', '198.51.100.0/24', '2001:db8::/32', '2001:db8:7::/48', '0.0.0.0/0', '::/0'],
  '192.0.2.0/24',
];

/** The listeners are those of the seed. */
export function historyCases(listeners: readonly ListenerView[]): readonly HistoryCase[] {
  const ids = new Map(listeners.map(({ laddr, id }) => [laddr.port - 20_000, id]));
  const listener = (number: number): string => `listener=${ids.get(number)}`;
  const time = (daysAgo: number): string => new Date(Date.now() - daysAgo * day).toISOString();
  const span = `acceptedAfter=${time(11)}&acceptedBefore=${time(10)}`;
  const one = (query: string): HistoryCase => ({ name: query, queries: [query] });
  const three = [0, 1, 2].map((n) => Math.floor((n * listenerCount) / 3) + 1);
  return [
    { name: 'no filter', queries: [''] },
    { name: 'listener, heavy', queries: [listener(0)] },
    { name: 'listener, middle', queries: [120, 121, 122, 123].map(listener) },
    { name: 'listener, light', queries: [990, 991, 992, 993].map(listener) },
    ...['open', 'half_closed', 'closed'].map((state) => one(`state=${state}`)),
    ...['tcp', 'udp', 'tls'].map((protocol) => one(`protocol=${protocol}`)),
    { name: 'raddr, heavy address', queries: [1, 5, 20].map((n) => `raddr=10.0.0.${n}`) },
    { name: 'raddr, light address', queries: [1, 5, 20].map((n) => `raddr=10.1.${n}.7`) },
    { name: 'raddr, nobody', queries: ['raddr=192.0.2.1'] },
    ...networks.map((network) => one(`raddr=${network}`)),
    { name: 'lport', queries: three.map((n) => `lport=${20_000 + n}`) },
    ...reasons.map((reason) => one(`closeReason=${reason}`)),
    { name: 'acceptedAfter', queries: [`acceptedAfter=${time(6)}`] },
    { name: 'acceptedBefore', queries: [`acceptedBefore=${time(15)}`] },
    { name: 'acceptedAfter, acceptedBefore', queries: [span] },
    ...combinations(listener, span, time),
  ];
}

function combinations(
  listener: (number: number) => string,
  span: string,
  time: (daysAgo: number) => string,
): readonly HistoryCase[] {
  const heavy = listener(0);
  const named: readonly (readonly [string, string])[] = [
    ['heavy listener, peer_rst', `${heavy}&closeReason=peer_rst`],
    ['heavy listener, write_timeout', `${heavy}&closeReason=write_timeout`],
    ['heavy listener, operator_rst', `${heavy}&closeReason=operator_rst`],
    ['light listener, error', `${listener(990)}&closeReason=error`],
    ['heavy listener, light network', `${heavy}&raddr=10.1.7.0/24`],
    ['heavy listener, early network', `${heavy}&raddr=198.51.100.0/24`],
    ['heavy listener, light address', `${heavy}&raddr=10.1.7.8`],
    ['heavy listener, span', `${heavy}&${span}`],
    ['heavy listener, another protocol', `${heavy}&protocol=udp`],
    ['heavy listener, its protocol and port', `${heavy}&protocol=tcp&lport=20000`],
    ['heavy listener, another port', `${heavy}&lport=20001`],
    ['heavy listener, open', `${heavy}&state=open`],
    ['light listener, closed', `${listener(990)}&state=closed`],
    ['heavy network, operator_rst', 'raddr=10.0.0.0/24&closeReason=operator_rst'],
    ['heavy network, max_bytes', 'raddr=10.0.0.0/24&closeReason=max_bytes'],
    ['early network, error', 'raddr=198.51.100.0/24&closeReason=error'],
    ['early network, the last day', `raddr=198.51.100.0/24&acceptedAfter=${time(1)}`],
    ['early network, before 19 days', `raddr=198.51.100.0/24&acceptedBefore=${time(19)}`],
    ['light network, span', `raddr=10.1.7.0/24&${span}`],
    ['heavy address, write_timeout', 'raddr=10.0.0.1&closeReason=write_timeout'],
    ['network, port', 'raddr=203.0.113.0/24&lport=20000'],
    ['network, light port', 'raddr=203.0.113.0/24&lport=20990'],
    ['tcp, tls_error: none', 'protocol=tcp&closeReason=tls_error'],
    ['udp, max_bytes', 'protocol=udp&closeReason=max_bytes'],
    ['peer_rst, span', `closeReason=peer_rst&${span}`],
    ['operator_rst, span', `closeReason=operator_rst&${span}`],
    [
      'all at once',
      `${heavy}&state=closed&protocol=tcp&raddr=10.0.0.0/8&lport=20000&closeReason=peer_fin&${span}`,
    ],
  ];
  return named.map(([name, query]) => ({ name, queries: [query] }));
}
