/** What kodama says when it serves: where it is reached, what to try, and what listens again. */
import { isIPv4, isIPv6 } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { type Address, formatAddress } from './core/address.ts';
import type { Listener } from './core/listener.ts';

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

export interface BannerOptions {
  /** Of what an edge is bound to, the nearest; with a wildcard also what other hosts may reach it by. */
  readonly httpAddresses: readonly Address[];
  readonly grpcAddresses: readonly Address[];
  /** Where agents come; null: nowhere. */
  readonly gatewayUrl: string | null;
  readonly hasToken: boolean;
  readonly isTls: boolean;
  readonly recovered: readonly Listener[];
  /** So many of them have a line of their own. */
  readonly listenersMax: number;
}

export function bannerText(options: BannerOptions): string {
  const { hasToken, isTls, recovered, listenersMax, gatewayUrl, ...edges } = options;
  const [rest = '', ...otherRest] = edges.httpAddresses.map((address) => restUrl(address, isTls));
  const [grpc = '', ...otherGrpc] = edges.grpcAddresses.map(formatAddress);
  const authorization = hasToken ? '-H "authorization: Bearer $KODAMA_API_TOKEN" ' : '';
  const lines = [
    'kodama is ready.',
    `  Console   ${rest}/`,
    `  REST      ${rest}/v1${alsoAt(otherRest)}`,
    `  gRPC      ${grpc}${isTls ? ' (TLS)' : ''}${alsoAt(otherGrpc)}`,
    ...(gatewayUrl === null ? [] : [`  Gateway   ${gatewayUrl}`]),
    `  API page  ${rest}/docs`,
    `  Try:      curl ${authorization}-X POST ${inShell(`${rest}/v1/listeners`)}`,
    ...(hasToken ? firstKeyLines(rest) : []),
    ...listenerLines(recovered, listenersMax),
  ];
  return `${lines.join('\n')}\n`;
}

export function restUrl(address: Address, isTls: boolean): string {
  return `${isTls ? 'https' : 'http'}://${formatAddress(address)}`;
}

function alsoAt(others: readonly string[]): string {
  return others.length === 0 ? '' : `, from other hosts ${others.join(', ')}`;
}

/** Some shells take what stands in brackets for a pattern. */
function inShell(url: string): string {
  return url.includes('[') ? `'${url}'` : url;
}

/** The token stands in them as its variable: what is printed is kept by those who keep logs. */
function firstKeyLines(rest: string): string[] {
  const post = (path: string, body: object, project = '') =>
    `    curl -H "authorization: Bearer $KODAMA_API_TOKEN" -H 'content-type: application/json' ${project}` +
    `-d '${JSON.stringify(body)}' ${inShell(`${rest}/v1/${path}`)}`;
  return [
    '  A project of its own for a team, and its first key, whose secret is shown once:',
    post('projects', { name: 'team' }),
    post('keys', { name: 'first', scopes: ['read', 'write'] }, "-H 'kodama-project: team' "),
  ];
}

/** Those that failed come first: there is something to mend. */
function listenerLines(listeners: readonly Listener[], max: number): string[] {
  if (listeners.length === 0) return [];
  const failed = listeners.filter(({ state }) => state === 'failed');
  const sorted = [...failed, ...listeners.filter(({ state }) => state !== 'failed')];
  const more = sorted.length - max;
  return [
    '  Listeners from the last run:',
    ...sorted.slice(0, max).map((listener) => `    ${listenerLine(listener)}`),
    ...(more > 0 ? [`    and ${more} more`] : []),
  ];
}

function listenerLine({ id, name, protocol, host, port, laddr, state, reason }: Listener): string {
  const where = `${name ?? id}  ${protocol} ${formatAddress(laddr ?? { ip: host, port })}`;
  if (state === 'listening') return `${where}  listens again`;
  return `${where}  ${state}${reason === null ? '' : `: ${reason.message}`}`;
}

/** Where an edge that is bound to the address is reached: itself; or, by a wildcard, this host and its first addresses. */
export function reachableAddresses(
  { ip, port }: Address,
  interfaces: Interfaces = networkInterfaces(),
): readonly Address[] {
  // Node's wildcard of IPv6 takes IPv4 too.
  const isV6Wildcard = ip === '::';
  if (!isV6Wildcard && ip !== '0.0.0.0') return [{ ip, port }];
  const outside = Object.values(interfaces)
    .flatMap((infos = []) => infos)
    // A link-local address has no meaning without the name of the link.
    .filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
    .map(({ address }) => address);
  const others = [outside.find(isIPv4), isV6Wildcard ? outside.find(isIPv6) : undefined];
  return ['127.0.0.1', ...others.filter((other) => other !== undefined)].map((each) => ({
    ip: each,
    port,
  }));
}
