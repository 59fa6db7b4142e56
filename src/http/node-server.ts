/** Node's own server under the REST edge, plain or over TLS: the same times and bounds of HTTP/1.1 hold for both. */
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { contextOf, type EdgeTls, Handshakes } from '../edge-sockets/edge-tls.ts';
import type { HttpLimits } from './edge.ts';
import { OpenConnections } from './open-connections.ts';

export interface NodeServer {
  readonly server: Server;
  readonly connections: OpenConnections;
  /** Null without TLS. */
  readonly handshakes: Handshakes | null;
}

const checkIntervalMsMax = 1000;

export function nodeServer(limits: HttpLimits, tls: EdgeTls | null): NodeServer {
  const options = {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(limits.headersTimeoutMs, checkIntervalMsMax),
    // A request without it is refused by the app, in our words.
    requireHostHeader: false,
  };
  if (tls === null) {
    const server = withAllHeaders(createServer(options));
    const connections = new OpenConnections(server, 'connection', limits.connectionsMax);
    return { server, connections, handshakes: null };
  }
  const server = withAllHeaders(
    createSecureServer({ ...options, ...contextOf(tls.certificate.pair) }),
  );
  const connections = new OpenConnections(server, 'secureConnection', limits.connectionsMax);
  return { server, connections, handshakes: new Handshakes(server, tls) };
}

function withAllHeaders<Kind extends Server>(server: Kind): Kind {
  // Their bytes are bounded; beyond a count Node would drop some unseen.
  server.maxHeadersCount = 0;
  return server;
}
