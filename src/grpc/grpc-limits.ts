/** What the gRPC edge bounds; src/config.ts has the numbers. */
export interface GrpcLimits {
  /** Bytes of one request. */
  readonly messageBytesMax: number;
  /** Client connections at once. */
  readonly connectionsMax: number;
  /** Calls at once on one client connection. */
  readonly callsPerConnectionMax: number;
  /** Calls of one method at once, over all connections. */
  readonly callsPerMethodMax: number;
  /** Of reflection at once, over all connections: whoever asked nothing for longest makes room. */
  readonly reflectionStreamsMax: number;
  /** Of one question to it. */
  readonly reflectionQuestionBytesMax: number;
  /** Calls at once, over all connections, whose request is not there yet. */
  readonly requestsArrivingMax: number;
  /** A call whose request says nothing for so long before it ends is ended. */
  readonly requestTimeoutMs: number;
  /** A silent client connection is pinged after so long, and dropped when it does not answer. */
  readonly keepaliveIntervalMs: number;
  readonly keepaliveTimeoutMs: number;
  /** A client connection without a call is closed after so long. */
  readonly idleConnectionMs: number;
  /** A reader that takes nothing of a stream, or not the end of a call, for so long is ended. */
  readonly streamWriteTimeoutMs: number;
  /** Of all that waits to be taken, over all connections: beyond it the slowest calls are reset. */
  readonly answerBytesWaitingMax: number;
  /** Bytes of a stream that are written at once. */
  readonly streamWriteBytesMax: number;
  /** Newest events that are kept framed, for streams that read at the head. */
  readonly framesKept: number;
  /** Bytes of them. */
  readonly framesKeptBytesMax: number;
  /** Lines of the log about calls that the store or the workers could not serve. */
  readonly outageLinesPerSecondMax: number;
  /** How old may be what the health service says. */
  readonly healthIntervalMs: number;
  /** At a stop, calls that are under way may take so long to end. */
  readonly stopTimeoutMs: number;
}
