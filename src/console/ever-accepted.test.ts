import { expect, test } from 'vitest';
import { listenerView } from '../../test/support/console-views.ts';
import { everAccepted } from './ever-accepted.ts';

const listener = listenerView({ name: 'tour', totalConnections: 1950 });

test('what a listener has accepted is known, by its name or its id', () => {
  expect(everAccepted({ listener: 'tour' }, [listener])).toBe(1950);
  expect(everAccepted({ listener: listener.id }, [listener])).toBe(1950);
});

test('of other filters, of none, and of a listener that is gone nobody has counted', () => {
  expect(everAccepted({ listener: 'tour', state: 'open' }, [listener])).toBeNull();
  expect(everAccepted({ raddr: '127.0.0.1' }, [listener])).toBeNull();
  expect(everAccepted({}, [listener])).toBeNull();
  expect(everAccepted({ listener: 'gone' }, [listener])).toBeNull();
});
