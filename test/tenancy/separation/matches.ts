/** How the projects are played: each operation once through each edge, and at random. */
import fc from 'fast-check';
import type { SharedApp, Tune } from '../../support/test-app.ts';
import { asks, type Things } from './asks.ts';
import { Match, type Move } from './match.ts';

/** When keys were last used changes by itself: it is written down at the end. */
export const tuned: Tune = (config) => ({
  ...config,
  tenancy: { ...config.tenancy, keyUseIntervalMs: 3_600_000 },
  // So that nodes are swept before a match is over.
  fleet: { ...config.fleet, sweepEveryMs: 500, nodelessSweepMs: 500 },
});

const thingNames = [
  ...(['project', 'listener', 'listenerName', 'label', 'fault', 'port', 'connection'] as const),
  ...(['raddr', 'key', 'keyName', 'log', 'headSeq', 'idempotencyKey'] as const),
  ...(['listenersToken', 'connectionsToken', 'eventsToken', 'keysToken'] as const),
  ...(['node', 'nodeName', 'nodesToken', 'joinToken', 'joinTokensToken'] as const),
] satisfies readonly (keyof Things)[];
/** For how many asks an operation has, whatever they are about. */
const anything = Object.fromEntries(thingNames.map((name) => [name, ''])) as unknown as Things;
/** Those that create come last: then the caller has something by the other's names. */
export const operationNames = (Object.keys(asks) as (keyof typeof asks)[]).toSorted(
  (a, b) => Number(a.startsWith('create')) - Number(b.startsWith('create')),
);

/** Each ask of an operation, with nothing of the caller's own: the first through both edges, the others in turn. */
export function toursOf(operation: keyof typeof asks): readonly Move[] {
  const alike = { operation, key: 0, foreign: thingNames, names: 'none', isRepeat: false } as const;
  const edges = ['rest', 'grpc'] as const;
  const variants = asks[operation](anything).map((_, variant) => variant);
  return [
    ...variants.map((variant): Move => ({ ...alike, variant, edge: edges[variant % 2] ?? 'rest' })),
    { ...alike, variant: 0, edge: 'grpc' },
    { ...alike, variant: 0, edge: 'rest', names: 'other' },
    { ...alike, variant: 0, edge: 'grpc', names: 'own', isRepeat: true },
  ];
}

const move: fc.Arbitrary<Move> = fc.record({
  operation: fc.constantFrom(...operationNames),
  variant: fc.nat(6),
  edge: fc.constantFrom('rest', 'grpc'),
  key: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(3) }),
  foreign: fc.subarray(thingNames),
  names: fc.constantFrom('none', 'none', 'own', 'other'),
  isRepeat: fc.boolean(),
});

export interface MatchesOptions {
  readonly app: SharedApp;
  readonly token: string;
  readonly matches: number;
  readonly moves: number;
}

export async function playMatches({ app, token, matches, moves }: MatchesOptions): Promise<void> {
  const turn = fc.tuple(fc.constantFrom(0 as const, 1 as const), move);
  const bounds = { minLength: moves, maxLength: moves };
  await fc.assert(
    fc.asyncProperty(fc.array(turn, bounds), async (turns) => {
      await using match = await Match.begin(app, token);
      for (const [by, one] of turns) await match.play(by, one);
      await match.end();
    }),
    // A shorter match would be another one: what it made is not made.
    { numRuns: matches, endOnFailure: true },
  );
}
