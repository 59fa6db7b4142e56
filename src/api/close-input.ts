/** The schema of which listeners are closed at once. */
import { z } from 'zod';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import { type CloseMany, closeMax } from '../core/named-listeners.ts';
import { timeOfId } from '../core/time.ts';
import type { Run } from './idempotency.ts';
import { list } from './list.ts';
import { pageFields } from './queries.ts';
import { idOrName, labels } from './values.ts';

export function closeSchema(bounds: ListenerBounds) {
  return z
    .strictObject({
      ids: list(idOrName, closeMax).default([]).describe('These, by id or name.'),
      labels: labels(bounds.labelsMax).default({}).describe('Those that carry all of them.'),
      pageToken: pageFields(bounds).pageToken.describe(
        'The nextPageToken of the answer before, with the same labels.',
      ),
    })
    .superRefine(({ ids, labels: carried }, context) => {
      const isByLabels = Object.keys(carried).length > 0;
      // Nobody is to close all by leaving something out.
      if (ids.length > 0 === isByLabels)
        context.addIssue({ code: 'custom', message: 'takes exactly one of ids, labels' });
    });
}

/** A run that was lost never meant what was made since. */
export function toCloseMany(
  { ids, labels: carried, pageToken }: z.output<ReturnType<typeof closeSchema>>,
  run: Run | null,
): CloseMany {
  const [seed] = run?.isResumed ? run.ids(1) : [];
  const madeBefore = seed === undefined ? null : timeOfId(seed);
  return { ids: ids.length === 0 ? null : ids, labels: carried, pageToken, madeBefore };
}
