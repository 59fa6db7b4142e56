/** Lines for a terminal that connect to a listener: nothing shows better what it does. */
import type { ListenerView } from '../http/resources.ts';
import { whereFlags } from './curl-line.ts';

export interface ConnectLine {
  readonly kind: 'bash' | 'nc' | 'python' | 'datagram' | 'openssl' | 'pythonTls';
  readonly text: string;
}

/** The same port on two hosts, as the picture of a textbook has it. */
const pythonPort = 9783;
const pythonHosts = ['127.0.0.2', '127.0.0.3'];
/** What a load balancer sends first, of version 1, as printf and python write it: its addresses are for examples (RFC 5737). */
const proxyHeader = 'PROXY TCP4 203.0.113.7 198.51.100.1 5555 443\\r\\n';

/** `pageHost` is where the page came from: there a listener on all addresses is found, too. */
export function connectLines(listener: ListenerView, pageHost: string): ConnectLine[] {
  const { laddr, protocol, proxyProtocol } = listener;
  if (laddr === null) return [];
  const host = /^(0\.0\.0\.0|::)$/.test(laddr.ip) ? pageHost.replace(/^\[|\]$/g, '') : laddr.ip;
  const { port } = laddr;
  if (protocol === 'udp') {
    const text = `exec 3<>/dev/udp/${host}/${port}; echo hello >&3; head -n 1 <&3`;
    return [{ kind: 'datagram', text }];
  }
  const header = proxyProtocol.mode === 'required' ? proxyHeader : null;
  if (protocol === 'tls' && header !== null) return [pythonTls(host, port, header)];
  if (protocol === 'tls') {
    const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    return [{ kind: 'openssl', text: `openssl s_client -quiet -connect ${authority}` }];
  }
  const first = header === null ? '' : ` printf '${header}' >&3;`;
  const bash = `exec 3<>/dev/tcp/${host}/${port};${first} echo hello >&3; head -n 1 <&3`;
  const piped = header === null ? '' : `(printf '${header}'; cat) | `;
  const lines: ConnectLine[] = [
    { kind: 'bash', text: bash },
    { kind: 'nc', text: `${piped}nc ${host} ${port}` },
  ];
  if (!host.startsWith('127.')) return lines;
  return [...lines, ...pythonHosts.map((source) => python(host, port, source, header))];
}

function python(host: string, port: number, source: string, header: string | null): ConnectLine {
  const call = `socket.create_connection(("${host}", ${port}), 9, ("${source}", ${pythonPort}))`;
  const first = header === null ? '' : ` s.sendall(b"${header}");`;
  return { kind: 'python', text: `python3 -c 'import socket; s = ${call};${first} input()'` };
}

/** openssl sends nothing before its handshake. */
function pythonTls(host: string, port: number, header: string): ConnectLine {
  const steps = [
    'import socket, ssl',
    `s = socket.create_connection(("${host}", ${port}))`,
    `s.sendall(b"${header}")`,
    't = ssl._create_unverified_context().wrap_socket(s)',
    't.sendall(b"hello\\n")',
    'print(t.recv(99))',
  ];
  return { kind: 'pythonTls', text: `python3 -c '${steps.join('; ')}'` };
}

/** Opens a listener at the kodama that this page came from. */
export function listenLine(origin: string, project: string | null): string {
  return `npx kodama listen${whereFlags(origin, project)}`;
}
