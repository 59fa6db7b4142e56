/**
 * Old events wait for nothing, so they are handed on in pieces, each in a turn of its own (old-reads.ts). What is new comes
 * mostly in short pages, which wait for nobody; a longer one must not fall behind for others' sake, so its turns are prompt.
 */
import type { NamedStreamItem } from './listener-names.ts';
import type { LoopShares } from './loop-shares.ts';
import type { OldReader } from './old-reads.ts';

type Items = AsyncGenerator<NamedStreamItem, void, void>;

/** The same items, each page of them in pieces; the seq of a piece is that of its last event. */
export async function* inTurns<Project>(
  shares: LoopShares<Project>,
  project: Project,
  items: Items,
  old: OldReader<Project>,
): Items {
  let isOld = true;
  for await (const item of items) {
    if (item.kind === 'synced') isOld = false;
    if (item.kind !== 'events') {
      // What was read last had nothing to send, and what comes after this may be long in coming.
      old[Symbol.dispose]();
      yield item;
      continue;
    }
    shares.neighbours.saw(project);
    let { log } = item;
    let left = item.events.length;
    const pieces = isOld ? old.pieces(item.events) : shares.prompt.pieces(project, item.events);
    for await (const events of pieces) {
      left -= events.length;
      const seq = left === 0 ? item.seq : (events.at(-1)?.seq ?? item.seq);
      yield { kind: 'events', ...(log !== undefined && { log }), events, seq, names: item.names };
      log = undefined;
    }
  }
}
