/** A part of the page that comes when it is first shown, so that the first look at the page is not slowed by it. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useConsole } from './console-context.ts';

export type LaterPartProps<Props> = Props & {
  readonly load: () => Promise<ComponentType<Props>>;
};

const retryMsMin = 500;
const retryMsMax = 10_000;

export function LaterPart<Props extends object>({ load, ...props }: LaterPartProps<Props>) {
  const { words } = useConsole();
  const [found, setFound] = useState<{ readonly Part: ComponentType<Props> } | null>(null);
  const [isLost, setLost] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let isGone = false;
    const look = async (retryMs: number) => {
      const Part = await load().catch(() => null);
      if (isGone) return;
      setLost(Part === null);
      if (Part !== null) setFound({ Part });
      else timer = setTimeout(() => look(Math.min(2 * retryMs, retryMsMax)), retryMs);
    };
    void look(retryMsMin);
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [load]);
  if (found !== null) return <found.Part {...(props as unknown as Props)} />;
  if (!isLost) return <section class="page" aria-busy="true" />;
  // Kodama went away, or became another version; a browser that keeps the failure has to load the page anew.
  return (
    <section class="page" role="alert">
      <p>{words.problem.unreachable}</p>
      <button type="button" onClick={() => location.reload()}>
        {words.header.reload}
      </button>
    </section>
  );
}
