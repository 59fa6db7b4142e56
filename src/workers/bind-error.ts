import { AppError, invalidField } from '../core/errors.ts';
import type { Binding } from '../core/ports.ts';
import { WorkerFailure } from './link.ts';

/** What a bind failed with (bind(2), listen(2)), as callers are told; other errors stay what they are. */
export function bindError(error: unknown, { host, port }: Binding): unknown {
  if (!(error instanceof WorkerFailure)) return error;
  switch (error.code) {
    case 'EADDRINUSE': {
      const message = `${host} port ${port} is in use by another process or project`;
      return new AppError('port_in_use', message, { owner: 'foreign' });
    }
    case 'EADDRNOTAVAIL':
      return invalidField('host', 'is not an address of this machine');
    case 'EACCES':
      return new AppError('port_privileged', `this process may not bind port ${port}`);
    case 'EMFILE':
    case 'ENFILE':
      return new AppError('resource_exhausted', 'no file descriptor is left', {
        limit: error.code,
      });
    default:
      return new AppError('unavailable', `the bind failed: ${error.code}`, { cause: error });
  }
}
