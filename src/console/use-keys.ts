/** Keys of a component. */
import { useEffect } from 'preact/hooks';
import { useConsole } from './console-context.ts';
import type { Keys } from './keyboard.ts';

/** For as long as the component is there. */
export function useKeys(keys: Keys): void {
  const { keyboard } = useConsole();
  useEffect(() => keyboard.add(keys));
}
