/** The fold against a truth that is kept beside it, on logs of chance. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { connectionView, eventView, listenerView } from '../../test/support/console-views.ts';
import type { ConnectionView, EventView } from '../http/resources.ts';
import { type LogState, Timeline } from './timeline.ts';

interface Step {
  readonly event: EventView;
  /** What is open after it, and how: the truth. */
  readonly open: ReadonlyMap<string, ConnectionView>;
}

type Choice = { readonly kind: 'open' | 'half_close' | 'close'; readonly of: number };

const choices = fc.array(
  fc.record({ kind: fc.constantFrom('open', 'half_close', 'close'), of: fc.nat() }),
  { minLength: 1, maxLength: 60 },
) as fc.Arbitrary<Choice[]>;

/** A log in which those things happen that can. */
function logOf(made: readonly Choice[]): Step[] {
  const steps: Step[] = [];
  let open = new Map<string, ConnectionView>();
  const put = (type: EventView['type'], connection: ConnectionView) => {
    const seq = steps.length + 1;
    open = new Map(open);
    if (connection.state === 'closed') open.delete(connection.id);
    else open.set(connection.id, connection);
    steps.push({ event: eventView(seq, { type, connection }), open });
  };
  for (const { kind, of } of made) {
    const seq = steps.length + 1;
    const candidates = [...open.values()];
    const chosen = candidates[of % Math.max(1, candidates.length)];
    if (kind === 'open' || chosen === undefined) {
      put('connection_opened', connectionView(seq));
    } else if (kind === 'half_close' && chosen.state === 'open') {
      const halfClosedAt = eventView(seq, {}).time;
      put('connection_half_closed', { ...chosen, state: 'half_closed', halfClosedAt });
    } else if (kind === 'close') {
      const { time: closedAt } = eventView(seq, {});
      // A FIN that ends it at once is told by the close alone.
      const halfClosedAt = chosen.halfClosedAt ?? (of % 2 === 0 ? closedAt : null);
      const end = {
        closedAt,
        halfClosedAt,
        closeReason: 'peer_fin',
        closeInitiator: 'peer',
      } as const;
      put('connection_closed', { ...chosen, ...end, state: 'closed' });
    }
  }
  return steps;
}

/** Of the one listener that there is. */
const openAt = (timeline: Timeline, seq: number | null) => [
  ...timeline.stateAt(seq).connections.of(connectionView(1).listenerId).open.all.values(),
];
const told = (connections: Iterable<ConnectionView>) =>
  [...connections].map(({ id, state }) => `${id} ${state}`).sort();

test('at every seq of the window those are open that were, whatever came first, list or events', () => {
  fc.assert(
    fc.property(choices, fc.nat(), fc.boolean(), (made, cut, isListFirst) => {
      const steps = logOf(made);
      const from = cut % steps.length;
      const inside = steps.slice(from);
      const timeline = new Timeline();
      const now = [...(steps.at(-1)?.open.values() ?? [])];
      if (isListFirst) timeline.know(now);
      timeline.append(
        inside.map(({ event }) => event),
        steps.length,
      );
      if (!isListFirst) timeline.know(now);
      // One that the list told, and whose opening the stream has not come to, is told once.
      for (const { event, open } of inside) {
        expect(told(openAt(timeline, event.seq))).toEqual(told(open.values()));
      }
      expect(told(openAt(timeline, null))).toEqual(told(now));
    }),
    { numRuns: 1000 },
  );
});

test('what goes out of the window is still known, and what was true inside stays true', () => {
  fc.assert(
    fc.property(choices, fc.integer({ min: 1, max: 16 }), (made, eventsMax) => {
      const steps = logOf(made);
      const timeline = new Timeline({ eventsMax, knownMax: 1000 });
      for (const { event } of steps) timeline.append([event], event.seq);
      expect(timeline.events.length).toBeLessThanOrEqual(eventsMax * 1.125);
      for (const { event, open } of steps.slice(timeline.firstSeq - 1)) {
        expect(told(openAt(timeline, event.seq))).toEqual(told(open.values()));
      }
    }),
    { numRuns: 1000 },
  );
});

test('what is kept at the head is what the window says of it', () => {
  const limits = fc.record({
    eventsMax: fc.integer({ min: 1, max: 16 }),
    knownMax: fc.integer({ min: 1, max: 8 }),
  });
  fc.assert(
    fc.property(choices, limits, fc.nat(), (made, given, cut) => {
      const steps = logOf(made);
      const from = cut % steps.length;
      const timeline = new Timeline(given);
      timeline.know([...(steps[from]?.open.values() ?? [])]);
      for (const { event } of steps.slice(from)) {
        timeline.append([event], event.seq);
        const seen = [...timeline.connectionsAt(event.seq)];
        const closed = seen.filter(({ state }) => state === 'closed');
        const open = seen.filter(({ state }) => state !== 'closed');
        const { connections } = timeline.stateAt(null);
        const kept = connections.of(connectionView(1).listenerId);
        const { all, byHost, byProcess } = kept.open;
        expect(told(all.values())).toEqual(told(open));
        for (const groups of [byHost, byProcess]) {
          const grouped = [...groups.values()].flatMap((group) => [...group.values()]);
          expect(told(grouped)).toEqual(told(open));
        }
        expect([kept.closedCount, connections.openCount]).toEqual([closed.length, open.length]);
        expect(told(kept.lastClosed)).toEqual(told(closed));
      }
    }),
    { numRuns: 1000 },
  );
});

test('the curve is the number of those that were open', () => {
  fc.assert(
    fc.property(choices, (made) => {
      const steps = logOf(made);
      const timeline = new Timeline();
      timeline.append(
        steps.map(({ event }) => event),
        steps.length,
      );
      const counts = timeline.openCounts(steps.length);
      expect(counts).toEqual(steps.map(({ open }) => open.size));
    }),
  );
});

test('more than can be kept are let go, and it is said', () => {
  const timeline = new Timeline({ eventsMax: 10, knownMax: 5 });
  for (let seq = 1; seq <= 40; seq++) {
    const event = eventView(seq, { type: 'connection_opened', connection: connectionView(seq) });
    timeline.append([event], seq);
  }
  const open = openAt(timeline, null);
  expect(timeline.isWhole).toBe(false);
  expect(open.length).toBeLessThanOrEqual(5 + 12);
  expect(open.map(({ id }) => id)).toContain(connectionView(40).id);
});

test('a listener is there from its creation to its end, and as it was then', () => {
  const timeline = new Timeline();
  const made = listenerView({ name: 'tour' });
  const renamed = { ...made, name: 'walk', updatedAt: eventView(2, {}).time };
  const closed = { ...renamed, state: 'closed' as const, updatedAt: eventView(4, {}).time };
  timeline.append(
    [
      eventView(1, { type: 'listener_created', listener: made }),
      eventView(2, { type: 'listener_updated', listener: renamed }),
      eventView(3, { type: 'connection_opened', connection: connectionView(3) }),
      eventView(4, { type: 'listener_closed', listener: closed }),
    ],
    4,
  );
  timeline.knowListeners([renamed]);
  const names = [0, 1, 2, 3, 4, null].map((seq) =>
    timeline.stateAt(seq).listeners.map(({ name }) => name),
  );
  expect(names).toEqual([[], ['tour'], ['walk'], ['walk'], [], []]);
});

test('steps go from event to event, and to before the first one', () => {
  const timeline = new Timeline();
  const events = [1, 2, 3].map((seq) =>
    eventView(seq, { type: 'connection_opened', connection: connectionView(seq) }),
  );
  timeline.append(events, 3);
  expect([3, 2, 1, 0].map((seq) => timeline.step(seq, -1))).toEqual([2, 1, 0, null]);
  expect([0, 1, 2, 3].map((seq) => timeline.step(seq, 1))).toEqual([1, 2, 3, null]);
  const at = ({ seq, event }: LogState) => [seq, event?.seq];
  expect(at(timeline.stateAt(0))).toEqual([0, undefined]);
  expect(at(timeline.stateAt(2))).toEqual([2, 2]);
});
