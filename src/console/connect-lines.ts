/** Lines for a terminal that connect to a listener: nothing shows better what it does. */
import type { ListenerView } from '../http/resources.ts';

export interface ConnectLine {
  readonly kind: 'bash' | 'nc' | 'python' | 'datagram' | 'openssl';
  readonly text: string;
}

/** The same port on two hosts, as the picture of a textbook has it. */
const pythonPort = 9783;
const pythonHosts = ['127.0.0.2', '127.0.0.3'];

/** `pageHost` is where the page came from: there a listener on all addresses is found, too. */
export function connectLines(listener: ListenerView, pageHost: string): ConnectLine[] {
  const { laddr, protocol } = listener;
  if (laddr === null) return [];
  const host = /^(0\.0\.0\.0|::)$/.test(laddr.ip) ? pageHost.replace(/^\[|\]$/g, '') : laddr.ip;
  const { port } = laddr;
  if (protocol === 'udp') {
    const text = `exec 3<>/dev/udp/${host}/${port}; echo hello >&3; head -n 1 <&3`;
    return [{ kind: 'datagram', text }];
  }
  if (protocol === 'tls') {
    const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    return [{ kind: 'openssl', text: `openssl s_client -quiet -connect ${authority}` }];
  }
  const bash = `exec 3<>/dev/tcp/${host}/${port}; echo hello >&3; head -n 1 <&3`;
  const lines: ConnectLine[] = [
    { kind: 'bash', text: bash },
    { kind: 'nc', text: `nc ${host} ${port}` },
  ];
  if (!host.startsWith('127.')) return lines;
  return [...lines, ...pythonHosts.map((source) => python(host, port, source))];
}

function python(host: string, port: number, source: string): ConnectLine {
  const call = `socket.create_connection(("${host}", ${port}), 9, ("${source}", ${pythonPort}))`;
  return { kind: 'python', text: `python3 -c 'import socket; s = ${call}; input()'` };
}

/** Opens a listener at the kodama that this page came from: the command looks for one at this address by itself. */
export function listenLine(origin: string): string {
  return origin === 'http://127.0.0.1:8080'
    ? 'npx kodama listen'
    : `npx kodama listen --url ${origin}`;
}
