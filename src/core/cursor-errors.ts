/**
 * Why a reader can not go on from its cursor: a seq, and the log that it is of. A log has another id after a restore from
 * a backup: what was appended since that backup is gone, and its seqs are given again to other events.
 */
import { AppError } from './errors.ts';

interface KnownLog {
  readonly id: string;
  readonly oldestSeq: number;
  known(): Promise<void>;
}

/** @throws cursor_expired where the cursor is of another log; null is of any. not_found, unavailable */
export async function assertSameLog(log: KnownLog, asked: string | null): Promise<void> {
  await log.known();
  if (asked === null || asked === log.id) return;
  const { id, oldestSeq } = log;
  throw new AppError('cursor_expired', `the log is another one by now, ${id}: begin anew`, {
    ...{ why: 'log_changed', log: id, oldestSeq },
  });
}

export function belowOldest(oldestSeq: number): AppError {
  return new AppError('cursor_expired', `the oldest event kept is ${oldestSeq}`, { oldestSeq });
}

export function aboveHead(headSeq: number): AppError {
  return new AppError('invalid_argument', `afterSeq: is above the newest event, ${headSeq}`, {
    errors: [{ path: 'afterSeq', message: `is above the newest event, ${headSeq}` }],
    headSeq,
  });
}
