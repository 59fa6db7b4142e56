import { once } from 'node:events';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { openHandTls } from '../../../test/support/key-updates.ts';
import { preambleServer } from '../../../test/support/preamble-server.ts';
import { openClient } from '../../../test/support/tcp-client.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { loadLibc } from '../udp/libc.ts';
import { answersUnread } from './tls-answers.ts';

const answers = { tlsAnswerBytesMax: 10_000, tlsAnswerLookMs: 5 };

/** The kernel takes answers of megabytes by itself; elsewhere than on Linux the test takes its time. */
function keepLittle(fd: number): void {
  if (process.platform !== 'linux') return;
  const [solSocket, sendBuffer] = [1, 7];
  const bytes = Buffer.from(Int32Array.of(4096).buffer);
  expect(loadLibc().setOption(fd, solSocket, sendBuffer, bytes, bytes.length)).toBe(0);
}

test('a client that asks for new keys on and on, and takes none, is reset', async () => {
  await using server = await preambleServer({ tls: {}, answers });
  await using client = await openHandTls(server.port, server.cert);
  keepLittle((await waitFor('the accept', () => server.sockets[0])).fd);
  client.stopReading();
  await waitFor('more answers than may wait', () => {
    if (!client.socket.writableNeedDrain) client.socket.write(client.keyUpdates(2000));
    return server.errors[0];
  });
  expect(server.errors).toEqual([answersUnread]);
  await waitFor('the end of the socket', () => server.sockets[0]?.isClosed);
});

test('a client that takes its new keys goes on, however many they are', async () => {
  await using server = await preambleServer({ tls: {}, answers });
  await using client = await openHandTls(server.port, server.cert);
  let received = '';
  client.secure.on('data', (data) => {
    received += data;
  });
  for (const word of ['one', 'two', 'three']) {
    received = '';
    client.socket.write(Buffer.concat([client.keyUpdates(2000), client.data(word)]));
    await waitFor('the echo', () => received === word);
  }
  expect(server.errors).toEqual([]);
});

test('bytes of the echo that a client does not take are not counted', async () => {
  await using server = await preambleServer({ tls: {}, answers });
  await using plain = await openClient(server.port);
  const client = connect({ socket: plain.socket, ca: server.cert, host: '127.0.0.1' });
  client.on('error', () => undefined);
  await once(client, 'secureConnect');
  client.pause();
  const bytes = Buffer.alloc(16 << 20, 'echo');
  client.write(bytes);
  let [before, looks] = [0, 0];
  await waitFor('it to be read from no more', () => {
    const [{ bytesRead } = { bytesRead: 0 }] = server.sockets;
    looks = bytesRead === before ? looks + 1 : 0;
    before = bytesRead;
    return bytesRead > bytes.length / 100 && looks === 20;
  });
  let length = 0;
  client.on('data', (data) => {
    length += data.length;
  });
  client.resume();
  await waitFor('all of it', () => length === bytes.length);
  expect(server.errors).toEqual([]);
});
