/**
 * One test of a file of quick ones that takes long: it is for `npm run test:slow`, and not for `npm test`. Vitest notes in
 * what it is given that a test is concurrent: such a test takes a copy, or all others were concurrent too.
 */
export const long = { tags: 'long' } as const;
