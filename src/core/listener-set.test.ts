import { expect, test } from 'vitest';
import { sampleListener } from '../../test/support/samples.ts';
import { AppError } from './errors.ts';
import { ListenerSet } from './listener-set.ts';

test('what waits for its turn while the place is lost is not told that somebody closed the listener', async () => {
  const set = new ListenerSet();
  const turn = Promise.withResolvers<void>();
  const listener = sampleListener();
  set.add(listener, { tlsKey: null }, turn.promise);
  const waiting = set.inTurn(listener.id, async () => undefined);
  set.end(new AppError('unavailable', 'the node is not connected'));
  turn.resolve();
  await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
  await expect(set.inTurn(listener.id, async () => undefined)).rejects.toMatchObject({
    code: 'unavailable',
  });
});
