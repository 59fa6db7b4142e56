/** What the routes are given: the control plane, and how this edge is set up. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyTypeProvider,
  RawServerDefault,
} from 'fastify';
import type { z } from 'zod';
import type { ControlPlane } from '../core/control-plane.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import type { Clock } from '../core/ports.ts';
import type { IdempotencyKeys } from './idempotency.ts';

export type Control = Pick<
  ControlPlane,
  | 'createListener'
  | 'createListeners'
  | 'getListener'
  | 'listListeners'
  | 'updateListener'
  | 'deleteListener'
  | 'getConnection'
  | 'listConnections'
  | 'closeConnection'
  | 'listEvents'
  | 'followEvents'
  | 'status'
  | 'problems'
>;

export interface HttpLimits {
  readonly bodyBytesMax: number;
  /** Of all bodies that are being received. */
  /** Brackets within brackets. */
  readonly bodyDepthMax: number;
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
  readonly idempotencyTtlMs: number;
  /** A call under a key that has no answer after so long was lost. */
  readonly idempotencyRunTimeoutMs: number;
  /** Keys that are kept, of all nodes; beyond it a new one is refused, for none that was promised is forgotten. */
  readonly idempotencyKeysMax: number;
  /** Of the answers kept under them. */
  readonly idempotencyAnswerBytesMax: number;
  readonly drainMsMax: number;
  /** At a stop, requests that are under way may take so long to end. */
  readonly stopTimeoutMs: number;
}

/** The numbers of the product, as text for Prometheus. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

export interface Edge {
  readonly control: Control;
  readonly idempotency: IdempotencyKeys;
  readonly bounds: ListenerBounds;
  readonly clock: Clock;
  readonly logger: FastifyBaseLogger;
  readonly metrics: MetricsText | null;
  readonly limits: HttpLimits;
}

/** What a handler is given is what its zod schemas put out. */
interface ZodInput extends FastifyTypeProvider {
  readonly validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown;
  readonly serializer: unknown;
}

export type HttpApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodInput
>;
