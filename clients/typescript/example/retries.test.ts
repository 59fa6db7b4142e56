/** A client that retries, and a server that lets nobody in twice: no sleep, and a failure says what came instead. */
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { Kodama, NotMetError } from '../src/index.ts';

const kodama = new Kodama();

/** What is under test: it connects until somebody answers. */
async function talkWithRetries(host: string, port: number): Promise<string> {
  for (;;) {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect({ host, port }, () => socket.end('hello'));
      let text = '';
      socket.on('data', (data) => {
        text += data;
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(text));
    });
    if (answer !== '') return answer;
  }
}

test('the client tries again after it was turned away twice', async () => {
  await using listener = await kodama.listen({
    ttlMs: 60_000,
    faults: [{ type: 'refuse', match: { firstN: 2 } }],
  });
  expect(await talkWithRetries(listener.host, listener.port)).toBe('hello');
  await listener.waitForEvents({ type: ['connection_refused'], min: 2, max: 2 });
  const { connections } = await listener.wait({ closeReason: 'peer_fin', min: 1, max: 1 });
  expect(connections).toMatchObject([{ bytesIn: 5, bytesOut: 5 }]);
});

test('what is not met says what was there instead', async () => {
  await using listener = await kodama.listen({ ttlMs: 60_000 });
  await talkWithRetries(listener.host, listener.port);
  const waiting = listener.wait({ closeReason: 'peer_rst', timeoutMs: 500 });
  await expect(waiting).rejects.toBeInstanceOf(NotMetError);
  await expect(waiting).rejects.toThrow('closeReason: peer_fin, not peer_rst');
});
