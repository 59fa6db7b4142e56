import { test } from 'vitest';
import { assertPurgeBesideAppends } from '../../test/support/old-log.ts';

test('200,000 events are purged while others are appended and followed, and what is open stays', async () => {
  await assertPurgeBesideAppends(100_000, 40);
});
