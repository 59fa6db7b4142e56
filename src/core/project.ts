/**
 * Whose things are: a project owns listeners, connections and a log of its own, with dense seqs from 1. Callers know
 * it by its name; inside it goes by the number that the store gave it, which never changes.
 */

declare const isProject: unique symbol;

/** A project's number. No other number is one. */
export type ProjectRef = number & { readonly [isProject]: true };

/** The store's own, where it reads one. */
export function projectRef(number: number): ProjectRef {
  return number as ProjectRef;
}

/** The project `default`, which every store has from its first start. */
export const defaultProject = projectRef(1);
