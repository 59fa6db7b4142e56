/** What is sent on one stream, in order, and bounded in what its reader leaves lying. */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { type ControlFrame, controlFrames } from '../wire/frames.ts';

export type AgentStream = ServerDuplexStream<Buffer, Buffer>;

export interface FrameWriterOptions {
  readonly stream: AgentStream;
  readonly bytesMax: number;
  /** Told once: what is held can not be had back but with the connection. */
  readonly onStuck: () => void;
}

export class FrameWriter {
  readonly #options: FrameWriterOptions;
  #heldBytes = 0;
  #isOver = false;

  constructor(options: FrameWriterOptions) {
    this.#options = options;
  }

  send(frame: ControlFrame): void {
    if (this.#isOver) return;
    const { stream, bytesMax, onStuck } = this.#options;
    const bytes = controlFrames.encode(frame);
    this.#heldBytes += bytes.length;
    stream.write(bytes, () => {
      this.#heldBytes -= bytes.length;
    });
    if (this.#heldBytes <= bytesMax) return;
    this.#isOver = true;
    onStuck();
  }

  /** Ends the stream behind what was sent. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.stream.end();
  }
}
