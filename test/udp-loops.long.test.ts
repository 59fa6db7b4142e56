/** Datagrams that go round between two nodes, changed on their way so that none is like the one before. */
import { test } from 'vitest';
import { sharedApp } from './support/test-app.ts';
import { bounceToDeath, withDataPlane } from './support/udp-sessions.ts';

const looping = withDataPlane({ udpLoopReturnsMax: 50 });
const nodes = [sharedApp({}, undefined, looping), sharedApp({}, undefined, looping)] as const;
const corrupt = { type: 'corrupt', bytes: 2 };

test.each([
  [[corrupt]],
  [[corrupt, { type: 'latency', delayMs: 20 }]],
  [[corrupt, { type: 'duplicate' }]],
])('they die out: %o', (faults) => bounceToDeath(nodes, faults));
