import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { handClock, keepingLogger, sampleListener } from '../../test/support/samples.ts';
import { ListenerExpiry } from './listener-expiry.ts';
import type { ListenerEntry } from './listener-set.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const hourMs = 3_600_000;

/** One listener of an hour, and those that were closed. */
function anHour() {
  const clock = handClock();
  const closed: string[] = [];
  const expire = async (id: string) => void closed.push(id);
  const expiry = new ListenerExpiry({ clock, logger: keepingLogger(), expire });
  const listener = { ...sampleListener(), expiresAt: clock.now() + hourMs * 1000 };
  expiry.schedule({ listener, expiry: null } as ListenerEntry);
  return { clock, closed, id: listener.id };
}

test('a clock that jumps over an expiry ends the listener, though its timer has counted little', async () => {
  const { clock, closed, id } = anHour();
  clock.move(2 * hourMs);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(closed).toEqual([id]);
});

test('a clock that is set back puts it off', async () => {
  const { clock, closed, id } = anHour();
  clock.move(-hourMs);
  await vi.advanceTimersByTimeAsync(hourMs + 30_000);
  expect(closed).toEqual([]);
  clock.move(2 * hourMs);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(closed).toEqual([id]);
});
