/** The way to a gateway: TLS that knows it, by its pin or by an authority, and one connection of its own for each dial. */

import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect, createSecureContext, getCACertificates, type PeerCertificate } from 'node:tls';
import { type ChannelCredentials, Client, credentials } from '@grpc/grpc-js';
import { isLoopback } from '../core/address.ts';
import { spkiPin } from '../wire/pin.ts';

export interface GatewayUrl {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly isPlain: boolean;
}

/** Null for what is no address of a gateway: without TLS it must be loopback. */
export function readGatewayUrl(text: string): GatewayUrl | null {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return null;
  if (`${url.username}${url.password}${url.search}${url.hash}` !== '' || url.pathname !== '/')
    return null;
  const isPlain = url.protocol === 'http:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isPlain && !isLoopback(host)) return null;
  const port = url.port === '' ? (isPlain ? 80 : 443) : Number(url.port);
  return { url: url.origin, host, port, isPlain };
}

export interface ChannelLimits {
  readonly frameBytesMax: number;
  readonly keepaliveIntervalMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Of a look at the certificate. */
  readonly welcomeTimeoutMs: number;
}

/** Beside the specs of one frame, what else is in it. */
const frameOverheadBytes = 65_536;

/** Throws where the gateway is not the one of the pin, or can not be reached. Whoever has it closes it. */
export async function openChannel(
  gateway: GatewayUrl,
  pin: string | null,
  limits: ChannelLimits,
): Promise<Client> {
  const { host, port } = gateway;
  const target = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Client(target, await credentialsOf(gateway, pin, limits), {
    // An address is no server name (RFC 6066, 3), and with a pin none is looked at.
    ...(pin !== null && isIP(host) !== 0 && { 'grpc.ssl_target_name_override': 'kodama' }),
    'grpc.max_receive_message_length': limits.frameBytesMax + frameOverheadBytes,
    'grpc.keepalive_time_ms': limits.keepaliveIntervalMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
    // A connection that is dead is not to be had again.
    'grpc.use_local_subchannel_pool': 1,
  });
}

async function credentialsOf(
  gateway: GatewayUrl,
  pin: string | null,
  limits: ChannelLimits,
): Promise<ChannelCredentials> {
  if (gateway.isPlain) return credentials.createInsecure();
  if (pin === null) {
    const ca = [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
    return credentials.createFromSecureContext(createSecureContext({ ca }));
  }
  // Node asks nobody about a certificate that it does not trust: this very one is trusted, if it is the pin's.
  const certificate = await shownCertificate(gateway, limits.welcomeTimeoutMs);
  if (spkiPin(certificate.raw) !== pin) throw notPinned(gateway);
  const context = createSecureContext({ ca: pemOf(certificate), allowPartialTrustChain: true });
  return credentials.createFromSecureContext(context, {
    checkServerIdentity: (_, shown) =>
      spkiPin(shown.raw) === pin ? undefined : notPinned(gateway),
  });
}

/** In words; grpc-js ends with a note on how it found the address, which mostly is empty. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\. Resolution note: *$/, '');
}

function notPinned({ url }: GatewayUrl): Error {
  return new Error(`${url} is not the gateway whose pin the join token has`);
}

async function shownCertificate(
  { host, port }: GatewayUrl,
  timeoutMs: number,
): Promise<PeerCertificate> {
  const options = { host, port, rejectUnauthorized: false, ALPNProtocols: ['h2'] };
  const socket = connect(options).on('error', () => undefined);
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(timeoutMs) });
    return socket.getPeerCertificate();
  } finally {
    socket.destroy();
  }
}

function pemOf({ raw }: PeerCertificate): string {
  const lines = raw.toString('base64').replace(/.{64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
