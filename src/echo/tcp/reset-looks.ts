/**
 * Looks at each connection of a worker, some at a time, whether its client has reset: a fault may keep one from being read
 * for as long as it stays, and then nothing tells of it.
 */
import type { StreamTransport } from './stream-transport.ts';

type Looked = Pick<StreamTransport, 'look'>;

/** At 4 µs for each that is not read, and next to nothing for others. */
const perLookMax = 500;

export class ResetLooks {
  readonly #looked = new Map<string, Looked>();
  /** Of a round: it meets those that come, and not those that go. */
  #round = this.#looked.values();

  /** By the id of its connection. */
  add<Kind extends Looked>(id: string, looked: Kind): Kind {
    this.#looked.set(id, looked);
    return looked;
  }

  delete(id: string): void {
    this.#looked.delete(id);
  }

  look(): void {
    for (let count = 0; count < perLookMax; count += 1) {
      const { value, done } = this.#round.next();
      if (done === true) {
        this.#round = this.#looked.values();
        return;
      }
      value.look();
    }
  }
}
