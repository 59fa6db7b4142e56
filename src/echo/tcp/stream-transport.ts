/** A byte stream to a client, whatever it runs over, as a connection sees it. */

/** Told in this order: bytes and drains, at most one end, at most one error, and `onClosed` last, once. */
export interface TransportOwner {
  /** The bytes are there during the call only. */
  onBytes(bytes: Buffer): void;
  /** The client's FIN: no more bytes will come. */
  onEnd(): void;
  /** The kernel has taken all that was written. */
  onDrain(): void;
  /** Our FIN is on its way, behind all that was written. */
  onFinished(): void;
  /** The system's code, such as ECONNRESET. The transport closes itself. */
  onError(code: string): void;
  onClosed(): void;
}

export interface StreamTransport {
  /** Bytes that the kernel has taken; as far as is known once it is closed, and never more. */
  readonly bytesWritten: number;
  /** Bytes that were written, and that the kernel has not taken yet; once it is closed, those that are lost. */
  readonly pendingBytes: number;
  /**
   * False when nothing more is to be written for now. Where something waits, be it false or not, `onDrain` tells when the
   * kernel has taken all. Not after `end`.
   */
  write(bytes: Buffer): boolean;
  /** Whether each read is to be a small one, since more than its write may have to keep it. */
  readSmall(isSmall: boolean): void;
  resume(): void;
  pause(): void;
  /** Where nothing tells of it, since the client is neither read from nor written to, or has sent its FIN: looks whether it has reset. */
  look(): void;
  /** FIN, after all that was written. */
  end(): void;
  /** As `end`, and then nothing more: the client has ended its side. The transport may be closed when this returns. */
  finish(): void;
  /** RST: at once, or when the kernel has taken all that was written. */
  reset(isAfterWrites?: boolean): void;
  /** Idempotent. */
  destroy(): void;
}
