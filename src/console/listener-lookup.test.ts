import { expect, test } from 'vitest';
import { listenerView } from '../../test/support/console-views.ts';
import { CallFailure, type Query } from './api.ts';
import { findListener } from './listener-lookup.ts';

test('of a name that nobody has, no more than the newest closed one is asked for', async () => {
  const ids = ['newest', 'older', 'oldest'];
  const asked: (readonly [path: string, query: Query])[] = [];
  const api = {
    async get<Answer>(path: string, query: Query = {}): Promise<Answer> {
      asked.push([path, query]);
      if (path !== '/v1/listeners')
        throw new CallFailure({ status: 404, code: 'not_found', detail: 'there is none' });
      const listeners = ids.slice(0, Number(query.pageSize)).map((id) => listenerView({ id }));
      return { listeners } as Answer;
    },
  };
  const { signal } = new AbortController();
  expect(await findListener(api, 'a name', signal)).toMatchObject({ id: 'newest' });
  expect(asked).toEqual([
    ['/v1/listeners/a%20name', {}],
    ['/v1/listeners', { name: 'a name', state: 'closed', pageSize: 1 }],
  ]);
});
