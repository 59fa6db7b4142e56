/** One test of a file of quick ones that takes long: it is for `npm run test:long`, and not for `npm test`. */
export const long = { tags: 'long' } as const;
