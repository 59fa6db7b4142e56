import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { command } from '../../test/support/command.ts';

test('what is deleted by its labels is deleted by its id, and told by its name', async () => {
  const deleted: string[] = [];
  const server = createServer(({ method, url = '' }, response) => {
    if (method === 'DELETE') {
      deleted.push(url);
      response.writeHead(204).end();
    } else {
      response.end('{"listeners":[{"id":"one","name":"tour"},{"id":"two","name":null}]}');
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, stderr } = await command({ url }, ['delete', '-l', 'a=b']);
    expect(code).toBe(0);
    // Meanwhile the name may have become another's.
    expect(deleted.toSorted()).toEqual(['/v1/listeners/one', '/v1/listeners/two']);
    expect(stderr.trim().split('\n').toSorted()).toEqual(['closed tour', 'closed two']);
    await command({ url }, ['delete', 'tour']);
    expect(deleted.at(-1)).toBe('/v1/listeners/tour');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
