import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteSink } from './byte-sink.ts';
import { KeptFrames } from './kept-frames.ts';

const log = 'a-log';

function keep(frames: KeptFrames, seq: number, text: string, name: string | null = null): void {
  const sink = new ByteSink();
  sink.string('what lies before it');
  const from = sink.at;
  sink.string(text);
  frames.keep(log, seq, name, sink, from);
}

function read(frames: KeptFrames, seq: number, name: string | null = null): Buffer | null {
  const sink = new ByteSink();
  return frames.copyTo(sink, log, seq, name) ? sink.take() : null;
}

function bytes(text: string): Buffer {
  const sink = new ByteSink();
  sink.string(text);
  return sink.take();
}

test('a frame is kept whole or not at all, whatever came after it', () => {
  const frame = fc.record({ seq: fc.nat({ max: 40 }), length: fc.nat({ max: 3000 }) });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 60 }), (writes) => {
      const frames = new KeptFrames({ framesMax: 8, bytesMax: 4096 });
      const texts = new Map<number, string>();
      for (const [index, { seq, length }] of writes.entries()) {
        const text = `${index}:`.padEnd(length, String(index));
        keep(frames, seq, text);
        texts.set(seq, text);
        for (const [known, expected] of texts) {
          const kept = read(frames, known);
          if (kept !== null) expect(kept).toEqual(bytes(expected));
        }
        if (text.length < 2000) expect(read(frames, seq)).toEqual(bytes(text));
      }
    }),
  );
});

test('a frame that tells an old name is framed anew', () => {
  const frames = new KeptFrames({ framesMax: 2, bytesMax: 512 });
  keep(frames, 5, 'of old', 'old');
  expect(read(frames, 5, 'new')).toBeNull();
  expect(read(frames, 5, 'old')).toEqual(bytes('of old'));
  keep(frames, 5, 'of new', 'new');
  expect(read(frames, 5, 'new')).toEqual(bytes('of new'));
});

test('a frame of another log is none of this one', () => {
  const frames = new KeptFrames({ framesMax: 2, bytesMax: 512 });
  keep(frames, 5, 'of one');
  expect(frames.copyTo(new ByteSink(), 'another-log', 5, null)).toBe(false);
  expect(read(frames, 5)).toEqual(bytes('of one'));
});

test('a frame larger than all the room there is is not kept', () => {
  const frames = new KeptFrames({ framesMax: 1, bytesMax: 512 });
  keep(frames, 5, 'x'.repeat(600));
  expect(read(frames, 5)).toBeNull();
});
