/** What came over the wire is not what it has to be: the session that it came in ends. */
export class WireError extends Error {
  override readonly name = 'WireError';
}
