/**
 * Old events wait for nothing, so a long page of them is handed on in pieces, each in a turn of its own. What is new comes
 * mostly in short pages, which wait for nobody; a longer one must not fall behind for others' sake, so its turns are prompt.
 */
import type { NamedStreamItem } from './listener-names.ts';
import type { LoopShares } from './loop-shares.ts';

type Items = AsyncGenerator<NamedStreamItem, void, void>;

/** The same items, each page of them in pieces; the seq of a piece is that of its last event. */
export async function* inTurns<Project>(
  shares: LoopShares<Project>,
  project: Project,
  items: Items,
): Items {
  let turns = shares.long;
  for await (const item of items) {
    if (item.kind === 'synced') turns = shares.prompt;
    if (item.kind !== 'events') {
      yield item;
      continue;
    }
    shares.neighbours.saw(project);
    let { log } = item;
    let left = item.events.length;
    for await (const events of turns.pieces(project, item.events)) {
      left -= events.length;
      const seq = left === 0 ? item.seq : (events.at(-1)?.seq ?? item.seq);
      yield { kind: 'events', ...(log !== undefined && { log }), events, seq, names: item.names };
      log = undefined;
    }
  }
}
