/**
 * Messages that are sent in one go of the event loop cross the channel of a process as one: to write, to wake the other
 * side and to read costs more than most of them say.
 */

/** In one: what takes them does nothing else meanwhile. */
const messagesMax = 256;

export class MessageBundle<Message> {
  readonly #write: (messages: readonly Message[]) => void;
  #messages: Message[] = [];

  constructor(write: (messages: readonly Message[]) => void) {
    this.#write = write;
  }

  /** It goes with those that are added until the microtasks of now are done. */
  add(message: Message): void {
    this.#messages.push(message);
    if (this.#messages.length === 1) queueMicrotask(() => this.flush());
    else if (this.#messages.length === messagesMax) this.flush();
  }

  flush(): void {
    const messages = this.#messages;
    if (messages.length === 0) return;
    this.#messages = [];
    this.#write(messages);
  }
}
