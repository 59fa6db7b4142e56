/** The rows of a table, each of which is a link, `data-row`: their keys, and which of them has focus. */
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { useKeys } from './use-keys.ts';

export interface Rows {
  /** Of the page, which holds the table. */
  readonly frame: RefObject<HTMLElement | null>;
  /** Where the row is in the document. */
  readonly focus: (key: string | null) => void;
}

/** `j` and `k` go on from the row that has focus, else from the one that is selected, else from what is in sight. */
export function useRowKeys(selected: string | null = null): Rows {
  const frame = useRef<HTMLElement>(null);
  const links = () => [...(frame.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [])];
  const indexOf = (key: string | null) => links().findIndex(({ dataset }) => dataset.row === key);
  const move = (by: 1 | -1) => {
    const all = links();
    const at = all.findIndex((link) => link.matches(':focus'));
    const from = at < 0 ? indexOf(selected) : at;
    (from < 0 ? all.find(isInSight) : all[from + by])?.focus();
  };
  // Below the head of the table, which stays where it is.
  const isInSight = (link: HTMLElement) =>
    link.getBoundingClientRect().top >=
    (frame.current?.querySelector('th')?.getBoundingClientRect().bottom ?? 0);
  useKeys({
    ...{ j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1) },
  });
  return { frame, focus: (key) => links()[indexOf(key)]?.focus() };
}

/** Focus is on a row, and not on its element: who takes that over has not been chosen by anybody. */
export function useFocusOf(id: string): RefObject<HTMLAnchorElement | null> {
  const link = useRef<HTMLAnchorElement>(null);
  const shown = useRef(id);
  useLayoutEffect(() => {
    if (shown.current !== id && document.activeElement === link.current) link.current?.blur();
    shown.current = id;
  }, [id]);
  return link;
}

const controls = 'a, button, input, select, textarea, label';

/**
 * A click beside the link of a row is one on it, with the keys that are held: for whoever has a pointer. It is left alone
 * on what has a use of its own, and where it ends a selection of text.
 */
export function openRow(event: MouseEvent): void {
  const { target } = event;
  if (!(target instanceof Element) || target.closest(controls) !== null) return;
  if (getSelection()?.isCollapsed === false) return;
  const link = target.closest('tr')?.querySelector<HTMLElement>('[data-row]');
  link?.focus({ preventScroll: true });
  link?.dispatchEvent(new MouseEvent('click', event));
}
