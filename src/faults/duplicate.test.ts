import { expect, test } from 'vitest';
import { activeFault, faultBench } from '../../test/support/fault-bench.ts';

function changedPlaces(before: Buffer, after: Buffer): number[] {
  expect(after.length).toBe(before.length);
  return [...before.keys()].filter((place) => before[place] !== after[place]);
}

test('a duplicate is the same datagram, and a change of one leaves the other', () => {
  const duplicate = activeFault({ type: 'duplicate' });
  const { sink, read } = faultBench([duplicate], { kind: 'datagram' });
  read('twice');
  read('');
  expect(sink.pieces).toEqual(['twice', 'twice', '', '']);
  const changed = faultBench(
    [activeFault({ type: 'duplicate' }), activeFault({ type: 'corrupt', bytes: 1 })],
    {
      kind: 'datagram',
    },
  );
  changed.read('twice');
  const sent = Buffer.from('twice');
  for (const { bytes } of changed.sink.written) expect(changedPlaces(sent, bytes)).toHaveLength(1);
});
