/**
 * Which protocols are spoken over a session. A new one is for what the other side must not ignore, and nothing else needs
 * one: agents are one version behind for a while, or, after a downgrade, one ahead.
 */

export interface ProtocolRange {
  readonly from: number;
  readonly to: number;
}

/** Before there was a range. */
export const firstProtocol = 1;
export const spokenProtocols: ProtocolRange = { from: firstProtocol, to: 1 };

/** The newest that both sides speak; null: there is none. */
export function commonProtocol(
  theirs: ProtocolRange | null,
  ours: ProtocolRange = spokenProtocols,
): number | null {
  const { from, to } = theirs ?? { from: firstProtocol, to: firstProtocol };
  const newest = Math.min(to, ours.to);
  return newest < Math.max(from, ours.from) ? null : newest;
}

/** As people read it. */
export function rangeText({ from, to }: ProtocolRange): string {
  return from === to ? `protocol ${from}` : `protocols ${from} to ${to}`;
}
