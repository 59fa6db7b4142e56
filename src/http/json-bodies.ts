/**
 * Bodies are JSON and say so: a web page can not send that to another site without asking, and nothing
 * else is ever guessed at.
 */
import { AppError } from '../core/errors.ts';
import type { HttpApp } from './edge.ts';
import { HttpError } from './problem.ts';

const mergePatch = 'application/merge-patch+json';

export function jsonBodies(app: HttpApp): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ['application/json', mergePatch],
    { parseAs: 'string' },
    (request, body, done) => {
      const isPatchType = request.headers['content-type']?.toLowerCase().startsWith(mergePatch);
      if (isPatchType === true && request.method !== 'PATCH') {
        const message = `content-type: ${mergePatch} is for PATCH; send application/json`;
        done(new HttpError(415, { code: 'invalid_argument', message }));
      } else if (body === '') {
        done(null, undefined);
      } else {
        void parseJson(request, String(body), (error, value) => {
          if (error) done(notJson(error));
          else done(null, value);
        });
      }
    },
  );
  // No body at all asks for all the defaults.
  app.addHook('preValidation', async (request) => {
    const takesBody = request.method === 'POST' || request.method === 'PATCH';
    if (takesBody && request.body === undefined) request.body = {};
  });
}

function notJson(cause: Error): AppError {
  return new AppError('invalid_argument', 'the body is not valid JSON', { cause });
}
