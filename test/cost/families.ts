/** All families: what the fuzz holds against bounds, and what the crowd sends. */
import { bigListeners } from './families/big-listeners.ts';
import { faultTraffic } from './families/fault-traffic.ts';
import { grpcMessages } from './families/grpc-messages.ts';
import { restBodies } from './families/rest-bodies.ts';
import { restCalls } from './families/rest-calls.ts';
import type { Family } from './family.ts';

/** What callers of both edges send: one after the other, and each by itself. */
export const callerFamilies: readonly Family[] = [
  ...restBodies,
  ...restCalls,
  ...grpcMessages,
  ...bigListeners,
];

export const families: readonly Family[] = [...callerFamilies, ...faultTraffic];
