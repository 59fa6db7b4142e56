/** A connection from both of its ends: what one calls laddr the other calls raddr. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { ConnectionView } from '../http/resources.ts';
import { useConsole } from './console-context.ts';
import { addressText, raddrText } from './facts.ts';
import { useKeys } from './use-keys.ts';

export function BothEnds({ connection }: { readonly connection: ConnectionView }) {
  const { router, words } = useConsole();
  const { live } = words;
  const { laddr, pid, fd, id } = connection;
  const ours = addressText(laddr);
  const theirs = raddrText(connection);
  const close = () => router.change({ connection: null });
  useKeys({ Escape: close });
  const panel = useRef<HTMLElement>(null);
  // Where it stands below the picture, who has chosen a client sees that it is there.
  useEffect(() => panel.current?.scrollIntoView({ block: 'nearest' }), [id]);
  const unknown = <span class="faint">{live.unknown}</span>;
  return (
    <section class="panel both-ends" ref={panel}>
      <h2>{live.bothEnds}</h2>
      <div class="ends">
        <End title={live.clientEnd} laddr={theirs} raddr={ours} pid={unknown} fd={unknown} />
        <End title={live.serverEnd} laddr={ours} raddr={theirs} pid={pid} fd={fd} />
      </div>
      <p class="soft">{live.mirror}</p>
      <p class="actions">
        <a class="button" href={router.href(`/connections/${id}`)}>
          {live.details}
        </a>
        <button type="button" onClick={close}>
          {live.unselect}
        </button>
      </p>
    </section>
  );
}

interface EndProps {
  readonly title: string;
  readonly laddr: string;
  readonly raddr: string;
  readonly pid: ComponentChildren;
  readonly fd: ComponentChildren;
}

function End({ title, laddr, raddr, pid, fd }: EndProps) {
  const { words } = useConsole();
  const { live } = words;
  const rows = [
    [live.laddr, laddr],
    [live.raddr, raddr],
    [live.pid, pid],
    [live.fd, fd],
  ] as const;
  return (
    <div>
      <h3>{title}</h3>
      <dl class="facts-of-end">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="mono">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
