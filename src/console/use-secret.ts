/** Of a dialog that shows a secret, which nobody sees again: until it is closed nothing comes over it or takes it away. */
import { useLayoutEffect } from 'preact/hooks';
import { useConsole } from './console-context.ts';

export function useSecret(): void {
  const { isSecretShown, router } = useConsole();
  // It begins and ends with what is seen.
  useLayoutEffect(() => {
    isSecretShown.value = true;
    const release = router.hold();
    // The browser asks whether the page is to be left.
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => {
      isSecretShown.value = false;
      release();
      removeEventListener('beforeunload', ask);
    };
  }, [isSecretShown, router]);
}
