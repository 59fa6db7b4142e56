import { afterEach, expect, test, vi } from 'vitest';
import { makeWorld } from '../../test/support/core-world.ts';
import { sampleEvent } from '../../test/support/samples.ts';
import { everyEvent } from './event-filter.ts';
import { readEventPage } from './event-page.ts';
import { defaultProject } from './project.ts';
import { callerGone } from './while-there.ts';

afterEach(() => void vi.restoreAllMocks());

/** Twelve events, to be read three at a time, by a clock of the test's. */
async function twelveEvents() {
  const { eventLog, store } = await makeWorld();
  await eventLog.append(Array.from({ length: 12 }, () => sampleEvent()));
  const log = eventLog.of(defaultProject);
  const gone = new AbortController();
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  const page = readEventPage({
    ...{ pageSize: 12, pageToken: '', query: {}, filter: everyEvent },
    ...{ order: 'asc', afterSeq: 0, last: null },
    ...{ log, store: store.of(defaultProject), loop: { readItemsMax: 3 }, signal: gone.signal },
    limits: { pageEventsMax: 100, pageBytesMax: 1e6, pageFillMs: 500 },
  });
  return { log, page, leave: () => gone.abort(callerGone()), pass: (ms: number) => (nowMs += ms) };
}

test('what a page waits for between its pieces is no time that it takes to fill', async () => {
  const { page, pass } = await twelveEvents();
  let count = 0;
  for await (const events of page) {
    count += events.length;
    pass(10_000);
  }
  expect(count).toBe(12);
});

test('a page whose reads take too long ends with what it has', async () => {
  const { log, page, pass } = await twelveEvents();
  const read = log.read.bind(log);
  vi.spyOn(log, 'read').mockImplementation(async (...given) => {
    pass(300);
    return await read(...given);
  });
  await page.next();
  await page.next();
  const end = await page.next();
  expect(end).toMatchObject({ done: true, value: { nextPageToken: expect.any(String) } });
});

test('a read whose caller went away is waited for no longer', async () => {
  const { log, page, leave } = await twelveEvents();
  vi.spyOn(log, 'read').mockReturnValue(new Promise(() => undefined));
  const reading = page.next();
  leave();
  await expect(reading).rejects.toMatchObject({ message: 'the caller went away' });
});
