/**
 * A table of which only the rows in sight are in the document, however long it is. All rows have one height, so that the
 * place of each is known; the columns have fixed widths, so that a new row lays out nothing but itself. The others are
 * out of the accessibility tree too: `aria-rowcount` and `aria-rowindex` say what they are.
 */
import { type ComponentChildren, Fragment, type JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { RowSlots } from './row-slots.ts';
import { openRow } from './use-rows.ts';

export interface VirtualRowsProps {
  readonly label: string;
  readonly head: ComponentChildren;
  readonly count: number;
  readonly rowHeight: number;
  /** Of each row its own: which it is wherever it stands. */
  readonly keyOf: (index: number) => string;
  /** A `tr` with these attributes; the first one that is in the document may be a tab stop. */
  readonly row: (index: number, attributes: RowAttributes, isFirst: boolean) => JSX.Element;
  readonly onScroll?: (isAtTop: boolean) => void;
  /** After each drawing that has the last row less than a screen away: more of them may be wanted. */
  readonly onEnd?: () => void;
}

export interface RowAttributes {
  readonly 'aria-rowindex': number;
  readonly style: { readonly height: string };
}

/** Rows beyond the edge, so that a quick scroll shows none that is empty. */
const margin = 8;

export function VirtualRows(props: VirtualRowsProps) {
  const { label, head, count, rowHeight, keyOf, row, onScroll, onEnd } = props;
  const frame = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const look = ({ scrollTop: top, clientHeight: height }: HTMLElement) =>
    setView((seen) => (top === seen.top && height === seen.height ? seen : { top, height }));
  // The browser tells each new observer the size it finds, and complains of one that a drawing has made while sizes were
  // told: there is one for as long as there is the table.
  useLayoutEffect(() => {
    const { current } = frame;
    if (current === null) return undefined;
    const observer = new ResizeObserver(() => look(current));
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  // Whose row goes out of sight goes on from the table: from the page, the keys that scroll would not reach it.
  const focus = useRef({ isWithin: false, isDrawing: false }).current;
  const onFocus = ({ type }: FocusEvent) => {
    focus.isWithin = type === 'focusin' || focus.isDrawing;
  };
  focus.isDrawing = true;
  useLayoutEffect(() => {
    focus.isDrawing = false;
    if (!focus.isWithin || document.activeElement !== document.body) return;
    frame.current?.focus({ preventScroll: true });
  });
  // What is drawn may have become shorter, with no scroll that would tell.
  const isAtEnd = view.top + 2 * view.height > count * rowHeight;
  useEffect(() => {
    if (isAtEnd) onEnd?.();
  });
  // Of fewer rows than were scrolled past, the last ones: a gap for the others would keep the table as long as it was.
  const first = Math.max(0, Math.min(count, Math.floor(view.top / rowHeight)) - margin);
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
    <div
      class="rows"
      ref={frame}
      tabIndex={-1}
      {...{ onFocusIn: onFocus, onFocusOut: onFocus }}
      onScroll={({ currentTarget }) => {
        look(currentTarget);
        onScroll?.(currentTarget.scrollTop < rowHeight);
      }}
    >
      <table aria-label={label} aria-rowcount={count + 1}>
        <thead>{head}</thead>
        <tbody style={gaps} {...{ onClick: openRow }}>
          {rows}
        </tbody>
      </table>
    </div>
  );
}
