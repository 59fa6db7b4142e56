/** The same text for values that differ in nothing but the order of their fields, which a map of a proto has not. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => inOrder(part));
}

function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
