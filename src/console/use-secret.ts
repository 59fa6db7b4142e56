/** Of a dialog that shows a secret, which nobody sees again: until it is closed nothing comes over it. */
import { useEffect } from 'preact/hooks';
import { useConsole } from './console-context.ts';

export function useSecret(): void {
  const { isSecretShown } = useConsole();
  useEffect(() => {
    isSecretShown.value = true;
    return () => {
      isSecretShown.value = false;
    };
  }, [isSecretShown]);
}
