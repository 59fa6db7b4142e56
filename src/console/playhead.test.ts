import { expect, test } from 'vitest';
import { eventView } from '../../test/support/console-views.ts';
import { Playhead } from './playhead.ts';
import { Timeline } from './timeline.ts';

/** A log of events a second apart, and frames that come when they are told to. */
function world(count: number, headSeq = 0) {
  const timeline = new Timeline();
  const events = Array.from({ length: count }, (_, at) => {
    const time = new Date(Date.UTC(2026, 0, 1, 0, 0, at)).toISOString();
    return eventView(at + 1, { time });
  });
  timeline.append(events, count);
  const frames: ((nowMs: number) => void)[] = [];
  const playhead = new Playhead({
    track: () => timeline,
    headSeq: () => Math.max(timeline.headSeq, headSeq),
    oldestSeq: () => null,
    onFrame(callback) {
      frames.push(callback);
      return () => void frames.splice(frames.indexOf(callback), 1);
    },
    start: { kind: 'live' },
  });
  let now = 0;
  const run = (ms: number) => {
    for (const end = now + ms; now < end; now += 16) frames.shift()?.(now);
  };
  return { playhead, timeline, run, frames };
}

test('a pause holds the page at the head of then', () => {
  const { playhead, timeline } = world(5);
  playhead.togglePause();
  timeline.append([eventView(6, {})], 6);
  expect(playhead.moment.value).toEqual({ kind: 'paused', seq: 5 });
  playhead.togglePause();
  expect([playhead.moment.value, playhead.seq.value]).toEqual([{ kind: 'live' }, null]);
});

test('steps stay within the log', () => {
  const { playhead } = world(2);
  const seqs = ([-1, -1, -1, 1, 1, 1] as const).map((by) => {
    playhead.step(by);
    return playhead.seq.value;
  });
  expect(seqs).toEqual([1, 0, 0, 1, 2, 2]);
});

test('it plays in the time of the log, or faster, and is live at the end', () => {
  for (const [speed, ms] of [
    [1, 4000],
    [10, 400],
    ['all', 70],
  ] as const) {
    const { playhead, run } = world(5);
    playhead.goTo(0);
    playhead.play(speed);
    run(ms * 0.6);
    expect(playhead.seq.value).toBeGreaterThan(1);
    expect(playhead.seq.value).toBeLessThan(5);
    run(ms);
    expect(playhead.moment.value).toEqual({ kind: 'live' });
    expect(playhead.speed.value).toBe(null);
  }
});

test('whoever takes hold of it while it plays has it', () => {
  const { playhead, run, frames } = world(5);
  playhead.play(1);
  expect(playhead.seq.value).toBe(0);
  run(100);
  playhead.goTo(3);
  run(5000);
  expect([playhead.seq.value, playhead.speed.value, frames.length]).toEqual([3, null, 0]);
});

test('from a window of the past it goes anywhere in the log, and not beyond', () => {
  const { playhead } = world(5, 48_000);
  const seqs = [47_000, 48_001, -1].map((seq) => {
    playhead.goTo(seq);
    return playhead.seq.value;
  });
  expect(seqs).toEqual([47_000, 48_000, 0]);
});

/** A log of 20 events, of which the live window has the last five, and others what is read. */
function pastWorld() {
  const window = (from: number, to: number) => {
    const timeline = new Timeline();
    timeline.append(
      Array.from({ length: to - from + 1 }, (_, at) => eventView(from + at, {})),
      to,
    );
    return timeline;
  };
  const windows = [window(16, 20)];
  const frames: ((nowMs: number) => void)[] = [];
  const kept: { oldestSeq: number | null } = { oldestSeq: null };
  const playhead: Playhead = new Playhead({
    track() {
      const seq = playhead.seq.value ?? 20;
      const found = windows.find((one) => seq >= one.firstSeq - 1 && seq <= one.headSeq);
      return found ?? (windows[0] as Timeline);
    },
    headSeq: () => 20,
    oldestSeq: () => kept.oldestSeq,
    onFrame(callback) {
      frames.push(callback);
      return () => void frames.splice(frames.indexOf(callback), 1);
    },
    start: { kind: 'live' },
  });
  let now = 0;
  const run = (count: number) => {
    for (const end = now + 16 * count; now < end; now += 16) frames.shift()?.(now);
  };
  const read = (from: number, to: number) => windows.push(window(from, to));
  return { playhead, run, read, kept };
}

test('from a window of the past a step goes on into the next one', () => {
  const { playhead, read } = pastWorld();
  read(8, 12);
  const walk = (from: number, by: 1 | -1, times: number) => {
    playhead.goTo(from);
    return Array.from({ length: times }, () => {
      playhead.step(by);
      return playhead.seq.value;
    });
  };
  expect(walk(11, 1, 3)).toEqual([12, 13, 14]);
  expect(walk(9, -1, 4)).toEqual([8, 7, 6, 5]);
  expect(walk(1, -1, 2)).toEqual([0, 0]);
  playhead.goLive();
  playhead.step(1);
  expect(playhead.moment.value).toEqual({ kind: 'live' });
});

test('what is played from a window of the past waits for the next one, and leaves nothing out', () => {
  const { playhead, run, read } = pastWorld();
  read(1, 5);
  playhead.goTo(5);
  playhead.play('all');
  run(50);
  expect([playhead.seq.value, playhead.speed.value]).toEqual([6, 'all']);
  read(2, 12);
  run(2);
  expect(playhead.seq.value).toBeLessThan(10);
  run(50);
  expect([playhead.seq.value, playhead.speed.value]).toEqual([13, 'all']);
  read(8, 15);
  run(50);
  expect(playhead.moment.value).toEqual({ kind: 'live' });
});

test('a play goes on from the oldest event that is kept, where retention has taken the next', () => {
  const { playhead, run, read, kept } = pastWorld();
  read(1, 5);
  playhead.goTo(4);
  playhead.play('all');
  run(5);
  expect(playhead.seq.value).toBe(6);
  kept.oldestSeq = 12;
  run(5);
  expect(playhead.seq.value).toBe(11);
  read(12, 15);
  run(3);
  expect(playhead.seq.value).toBeGreaterThan(11);
});
