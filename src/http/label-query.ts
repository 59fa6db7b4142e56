/** Labels in a query string: `label=env=ci&label=team=net`. */
import { z } from 'zod';
import { list } from '../api/list.ts';
import { labelKey, labelValue } from '../api/values.ts';

type Pair = readonly [key: string, value: string];

const pair = z.string().transform((text, context): Pair => {
  const at = text.indexOf('=');
  const parts = [text.slice(0, at), text.slice(at + 1)] as const;
  const isLabel = labelKey.safeParse(parts[0]).success && labelValue.safeParse(parts[1]).success;
  if (at > 0 && isLabel) return parts;
  context.issues.push({ code: 'custom', input: text, message: 'must be key=value' });
  return z.NEVER;
});

/** What they say of connections and events. */
export const labelled = 'of listeners that carry all of them, now or at their end.';

export function labelParameter(labelsMax: number, what: string) {
  return list(pair, labelsMax)
    .superRefine((pairs, context) => {
      // All must hold, and a listener has one value of each.
      const twice = pairs.findIndex(([key], at) => pairs.findIndex(([one]) => one === key) < at);
      if (twice < 0) return;
      context.addIssue({ code: 'custom', path: [twice], message: 'has the key of another' });
    })
    .default([])
    .describe(`\`key=value\`; repeated: ${what}`)
    .meta({ examples: [['env=ci']] });
}

export function toLabels(pairs: readonly Pair[]): Readonly<Record<string, string>> {
  return Object.fromEntries(pairs);
}
