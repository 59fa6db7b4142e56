/** What the routes are given: the operations, and how this edge is set up. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { Api } from '../api/call.ts';
import type { FailureLog } from '../api/failure-log.ts';
import type { Identity } from '../core/caller.ts';
import type { ControlPlane } from '../core/control-plane.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Null where nobody was asked who they are. */
    identity: Identity | null;
    /** The caller's address, behind proxies too; null: it is gone. */
    sourceIp: string | null;
  }
}

export interface HttpLimits {
  readonly bodyBytesMax: number;
  /** Brackets within brackets. */
  readonly bodyDepthMax: number;
  /** Objects, lists and fields of a body. */
  readonly bodyPartsMax: number;
  /** Fields of one object, or items of one list. */
  readonly bodyEntriesMax: number;
  /** Of all bodies that are being received. */
  readonly bodyBytesArrivingMax: number;
  readonly headerBytesMax: number;
  /** All headers of a request must be there within it. */
  readonly headersTimeoutMs: number;
  /** The whole request must be there within it. */
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly connectionsMax: number;
  /** Requests that are under way on one connection: HTTP/1.1 lets a client send ahead. */
  readonly requestsPerConnectionMax: number;
  /** Of all answers that wait to be taken; small ones, such as a refusal, go beyond it. */
  readonly answerBytesWaitingMax: number;
  /** A client that takes nothing of an answer for so long is cut off. */
  readonly responseWriteTimeoutMs: number;
  /** A stream's reader that takes nothing for so long is ended. */
  readonly streamWriteTimeoutMs: number;
  /** Lines of the log about requests that the store or the workers could not serve. */
  readonly outageLinesPerSecondMax: number;
  /** At a stop, requests that are under way may take so long to end. */
  readonly stopTimeoutMs: number;
}

/** The numbers of the product, as text for Prometheus. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

export interface Edge {
  readonly api: Api;
  /** For the probes. */
  readonly readiness: Pick<ControlPlane, 'problems'>;
  readonly bounds: ListenerBounds;
  readonly logger: FastifyBaseLogger;
  readonly metrics: MetricsText | null;
  readonly limits: HttpLimits;
  readonly failures: Pick<FailureLog, 'tell'>;
}

export type HttpApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger
>;
