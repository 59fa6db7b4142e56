import { expect, test } from 'vitest';
import { AppError } from '../core/errors.ts';
import { OwnCordon } from './own-cordon.ts';

function ownCordon() {
  let tell = () => {};
  const reads: PromiseWithResolvers<boolean>[] = [];
  const cordon = new OwnCordon({
    nodeId: 'a',
    rows: {
      isCordoned: () => {
        const read = Promise.withResolvers<boolean>();
        reads.push(read);
        return read.promise;
      },
    },
    wakes: {
      onChange: (callback) => {
        tell = callback;
        return () => {};
      },
    },
    log: { debug: () => {} },
  });
  cordon.start();
  return { cordon, reads, tell: () => tell() };
}

test('it is read once, and again when a change was told', async () => {
  const { cordon, reads, tell } = ownCordon();
  using _ = cordon;
  const first = cordon.isCordoned();
  reads[0]?.resolve(false);
  expect(await first).toBe(false);
  expect(await cordon.isCordoned()).toBe(false);
  expect(reads).toHaveLength(1);
  tell();
  const second = cordon.isCordoned();
  reads[1]?.resolve(true);
  expect(await second).toBe(true);
});

test('what is told during a read is read after it', async () => {
  const { cordon, reads, tell } = ownCordon();
  using _ = cordon;
  const asked = cordon.isCordoned();
  tell();
  const later = cordon.isCordoned();
  reads[1]?.resolve(true);
  expect(await later).toBe(true);
  reads[0]?.resolve(false);
  expect(await asked).toBe(true);
  expect(await cordon.isCordoned()).toBe(true);
  expect(reads).toHaveLength(2);
});

test('nothing is taken for granted while the database is away', async () => {
  const { cordon, reads } = ownCordon();
  using _ = cordon;
  const asked = cordon.isCordoned();
  reads[0]?.reject(new AppError('unavailable', 'away'));
  await expect(asked).rejects.toMatchObject({ code: 'unavailable' });
  const again = cordon.isCordoned();
  reads[1]?.resolve(true);
  expect(await again).toBe(true);
});
