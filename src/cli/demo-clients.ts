/** The clients of the demo, each of a host of its own: Linux takes the whole of 127.0.0.0/8 for this one. */
import type { Socket } from 'node:net';

/** Connects from there; 0 is a port of the kernel's choice. */
export type OpenFrom = (localAddress: string, localPort: number) => Promise<Socket>;

const triesMax = 5;

/** Two hosts with the same port, and twice a third one. */
export async function openFour(open: OpenFrom): Promise<readonly [Socket, Socket, Socket, Socket]> {
  const twins = await openTwins(open);
  return [...twins, await open('127.0.0.1', 0), await open('127.0.0.1', 0)];
}

/** The port that the kernel gives the one somebody may have taken at the other: then it is another pair. */
async function openTwins(open: OpenFrom): Promise<readonly [Socket, Socket]> {
  for (let tries = 1; ; tries += 1) {
    const one = await open('127.0.0.2', 0);
    try {
      return [one, await open('127.0.0.3', one.localPort ?? 0)];
    } catch (error) {
      one.destroy();
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EADDRINUSE' || tries === triesMax) throw error;
    }
  }
}
