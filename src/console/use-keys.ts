/** Keys of a component. */
import { useLayoutEffect } from 'preact/hooks';
import { useConsole } from './console-context.ts';
import type { Keys } from './keyboard.ts';

/** For as long as the component is there. */
export function useKeys(keys: Keys): void {
  const { keyboard } = useConsole();
  // Before it is seen: who presses a key at once means what is shown.
  useLayoutEffect(() => keyboard.add(keys));
}
