/** What the tab of a browser, its history and a bookmark call the page. */
import { useEffect } from 'preact/hooks';

/** What is seen stands first, since tabs are narrow. Null where another part of the page says it. */
export function useTitle(parts: readonly string[] | null): void {
  const title = parts && [...parts.filter((part) => part !== ''), 'kodama'].join(' · ');
  useEffect(() => {
    if (title !== null) document.title = title;
  }, [title]);
}
