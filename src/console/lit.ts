/** Which rows of the picture are lit: those that prove a sentence, or the ends of a wire. */
import { useState } from 'preact/hooks';

export type Lit = ReadonlySet<string>;
export type SetLit = (ids: readonly string[]) => void;

const none: Lit = new Set();

export function useLit(): [Lit, SetLit] {
  const [lit, set] = useState(none);
  return [lit, (ids) => set(ids.length === 0 ? none : new Set(ids))];
}
