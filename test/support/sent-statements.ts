/**
 * Every statement that reaches PostgreSQL, whoever sent it, read off the wire: Query and Parse of the frontend
 * (https://www.postgresql.org/docs/18/protocol-message-formats.html).
 */
export class SentStatements {
  readonly texts = new Set<string>();

  /** For one connection: takes what the client sends, as it comes. */
  tap(): (data: Buffer) => void {
    let rest: Buffer = Buffer.alloc(0);
    let hasStarted = false;
    return (data) => {
      rest = Buffer.concat([rest, data]);
      for (;;) {
        // The first message has no type before its length.
        const typeBytes = hasStarted ? 1 : 0;
        if (rest.length < typeBytes + 4) return;
        const end = typeBytes + rest.readInt32BE(typeBytes);
        if (rest.length < end) return;
        if (hasStarted) this.#take(String.fromCharCode(rest[0] ?? 0), rest.subarray(5, end));
        hasStarted = true;
        rest = rest.subarray(end);
      }
    };
  }

  #take(type: string, body: Buffer): void {
    const [first = '', second = ''] = body.toString().split('\0');
    if (type === 'Q') this.texts.add(first);
    if (type === 'P') this.texts.add(second);
  }
}
