import { test } from 'vitest';
import { rotatesAll } from '../../test/support/rotated-secrets.ts';

test('thousands of secrets come under the current key, a hundred at a time', async () => {
  await rotatesAll(3000, { rotationRowsMax: 100, rotationRetryMs: 100 });
});
