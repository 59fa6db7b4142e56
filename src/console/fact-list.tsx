/** What is true of the picture, in sentences. Each lights the rows that prove it. */
import { useConsole } from './console-context.ts';
import type { Fact } from './facts.ts';
import type { SetLit } from './lit.ts';
import { nodeNames } from './node-names.ts';

export interface FactListProps {
  readonly facts: readonly Fact[];
  readonly setLit: SetLit;
}

export function FactList({ facts, setLit }: FactListProps) {
  const { state, words } = useConsole();
  const nodeName = nodeNames(state.value.listeners);
  return (
    <section class="panel facts">
      <h2>{words.live.facts}</h2>
      {facts.length === 0 ? (
        <p class="soft">{words.live.noFacts}</p>
      ) : (
        <ol>
          {facts.map((fact, at) => (
            <li key={fact.kind}>
              <button
                type="button"
                onMouseEnter={() => setLit(fact.proof)}
                onMouseLeave={() => setLit([])}
                onFocus={() => setLit(fact.proof)}
                onBlur={() => setLit([])}
              >
                <span class="badge" aria-hidden="true">
                  {at + 1}
                </span>
                <span>{words.facts(fact, nodeName)}</span>
              </button>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** The numbers of the sentences that a row proves, where they are about few rows. */
export function badgesOf(facts: readonly Fact[]): Map<string, number[]> {
  const badges = new Map<string, number[]>();
  facts.forEach((fact, at) => {
    // Those of many are not even listed.
    if ('count' in fact && fact.count > badgedMax) return;
    const { proof } = fact;
    if (proof.length > badgedMax) return;
    for (const id of proof) badges.set(id, [...(badges.get(id) ?? []), at + 1]);
  });
  return badges;
}

const badgedMax = 4;
