import type { ZodError } from 'zod';

/** What came over the wire is not what it has to be: the session that it came in ends. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** The first field that is refused, such as `3.connection.pid`: names of ours and numbers, and no value. */
export function issuePath({ issues: [issue] }: ZodError): string {
  return issue === undefined || issue.path.length === 0 ? 'all of it' : issue.path.join('.');
}
