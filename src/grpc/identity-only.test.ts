/** No message is inflated: what comes compressed is refused, and every answer says so. */
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { begin, empty, session } from '../../test/support/grpc-by-hand.ts';
import { startGrpcEdge } from '../../test/support/grpc-edge.ts';

const check = '/grpc.health.v1.Health/Check';
const reflect = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';

/** A flag that says so, and the length of what is compressed. */
function compressed(message: Buffer): Buffer {
  const zipped = gzipSync(message);
  const head = Buffer.from([1, 0, 0, 0, 0]);
  head.writeUInt32BE(zipped.length, 1);
  return Buffer.concat([head, zipped]);
}

test.for([check, reflect])('a compressed message to %s is refused', async (path) => {
  await using edge = await startGrpcEdge({});
  using client = session(edge.address);
  const stream = begin(client, path, { 'grpc-encoding': 'gzip' });
  stream.end(compressed(Buffer.alloc(1_000_000)));
  const [headers] = await once(stream, 'response');
  expect(headers).toMatchObject({
    'grpc-status': String(status.UNIMPLEMENTED),
    'grpc-message': encodeURI('grpc-encoding: a message is taken as it is, without compression'),
    'grpc-accept-encoding': 'identity',
    'kodama-code': 'invalid_argument',
  });
});

test('an answer says that none is taken compressed', async () => {
  await using edge = await startGrpcEdge({});
  using client = session(edge.address);
  const stream = begin(client, check, { 'grpc-encoding': 'identity' }).end(empty);
  const [headers] = await once(stream, 'response');
  expect(headers).toMatchObject({ ':status': 200, 'grpc-accept-encoding': 'identity' });
  expect(headers).not.toHaveProperty('grpc-status');
});
