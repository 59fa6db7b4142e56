/**
 * A table of which only the rows in sight are in the document, however long it is. All rows have one height, so that the
 * place of each is known; the columns have fixed widths, so that a new row lays out nothing but itself. The others are
 * out of the accessibility tree too: `aria-rowcount` and `aria-rowindex` say what they are.
 */
import { type ComponentChildren, Fragment, type JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { RowSlots } from './row-slots.ts';

export interface VirtualRowsProps {
  readonly label: string;
  readonly head: ComponentChildren;
  readonly count: number;
  readonly rowHeight: number;
  /** Of each row its own: which it is wherever it stands. */
  readonly keyOf: (index: number) => string;
  /** A `tr` with these attributes; the first one that is in the document may be a tab stop. */
  readonly row: (index: number, attributes: RowAttributes, isFirst: boolean) => JSX.Element;
  /** The row to be kept in sight, such as the one with focus; null is none. */
  readonly focused?: number | null;
  readonly onScroll?: (place: { readonly isAtTop: boolean; readonly isAtEnd: boolean }) => void;
}

export interface RowAttributes {
  readonly 'aria-rowindex': number;
  readonly style: { readonly height: string };
}

/** Rows beyond the edge, so that a quick scroll shows none that is empty. */
const margin = 8;

export function VirtualRows(props: VirtualRowsProps) {
  const { label, head, count, rowHeight, keyOf, row, focused = null, onScroll } = props;
  const frame = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const look = () => {
    const { current } = frame;
    if (current === null) return;
    const { scrollTop: top, clientHeight: height, scrollHeight } = current;
    if (top !== view.top || height !== view.height) setView({ top, height });
    onScroll?.({ isAtTop: top < rowHeight, isAtEnd: top + height > scrollHeight - height });
  };
  useLayoutEffect(() => {
    const { current } = frame;
    if (current === null) return undefined;
    const observer = new ResizeObserver(look);
    observer.observe(current);
    return () => observer.disconnect();
  });
  useLayoutEffect(() => {
    const { current } = frame;
    if (current === null || focused === null) return;
    const top = focused * rowHeight;
    const shown = current.clientHeight - rowHeight * 2;
    if (top < current.scrollTop) current.scrollTop = top;
    else if (top > current.scrollTop + shown) current.scrollTop = top - shown;
  }, [focused, rowHeight]);
  const first = Math.max(0, Math.floor(view.top / rowHeight) - margin);
  const last = Math.min(count, Math.ceil((view.top + view.height) / rowHeight) + margin);
  const inSight = Array.from({ length: Math.max(0, last - first) }, (_, at) => first + at);
  const slots = useRef<RowSlots | null>(null);
  slots.current ??= new RowSlots();
  const slotOf = slots.current.assign(inSight.map(keyOf));
  const rows = inSight.map((index, at) => (
    <Fragment key={slotOf[at]}>
      {row(index, { 'aria-rowindex': index + 2, style: { height: `${rowHeight}px` } }, at === 0)}
    </Fragment>
  ));
  // What stands for the rows that are not in the document.
  const gaps = {
    '--before': `${first * rowHeight}px`,
    '--after': `${Math.max(0, count - last) * rowHeight}px`,
  };
  return (
    <div class="rows" ref={frame} onScroll={look}>
      <table aria-label={label} aria-rowcount={count + 1}>
        <thead>{head}</thead>
        <tbody style={gaps}>{rows}</tbody>
      </table>
    </div>
  );
}
