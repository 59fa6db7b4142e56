/** How much of each quota of the project is used. */
import { type QuotaView, usedPart } from './caller.ts';
import { useConsole } from './console-context.ts';
import type { Words } from './words-english.ts';

export function QuotaList({ quotas }: { readonly quotas: readonly QuotaView[] }) {
  const { words } = useConsole();
  const { session } = words;
  return (
    <dl class="quotas">
      {quotas.map((quota) => (
        <div key={quota.name} class="quota">
          <dt>{session.quotas[quota.name] ?? quota.name}</dt>
          <dd>
            <span class={usedPart(quota) === 1 ? 'number bad' : 'number'}>
              {useOf(quota, words)}
            </span>
            {usedPart(quota) !== null && (
              <span class="bar" aria-hidden="true">
                <span style={{ width: `${(usedPart(quota) ?? 0) * 100}%` }} />
              </span>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function useOf({ limit, used }: QuotaView, { session }: Words): string {
  if (limit === null) return '';
  return used === null ? session.atMost(limit) : session.ofLimit(used, limit);
}
