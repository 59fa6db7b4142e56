/** What HTTP servers of this process have begun to answer, by the port of their client: to go on only once they have it. */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { waitFor } from './wait-for.ts';

interface Begun {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

const begun = new Map<number | undefined, Begun>();
subscribe('http.server.request.start', (message) => {
  const one = message as Begun;
  const { remotePort } = one.request.socket;
  begun.set(remotePort, one);
  // Another client may have that port then.
  one.response.once('close', () => {
    if (begun.get(remotePort) === one) begun.delete(remotePort);
  });
});

/** Until whoever reads the body of this client's only request has all of it that was sent. */
export async function bodyToBeRead(client: Socket): Promise<void> {
  await waitFor('a body to be read', () => {
    const request = begun.get(client.localPort)?.request;
    if (request === undefined || request.socket.bytesRead < client.bytesWritten) return false;
    return request.readableFlowing === true && request.readableLength === 0;
  });
}

/** Until the answer to this client's only request is made, whether it is taken or not. */
export async function answerToBeMade(client: Socket): Promise<void> {
  await waitFor('an answer', () => begun.get(client.localPort)?.response.writableEnded);
}
