/** How often a fuzz of the whole product runs: npm test makes a part of the runs, npm run test:slow all of them. */
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Up to 1; vitest.config.ts sets it for each project. */
    fuzzShare: number;
  }
}

/** What only many runs come to is expected of all of them. */
export const isWholeFuzz = (): boolean => inject('fuzzShare') === 1;

export const fuzzRuns = (whole: number): number => Math.ceil(whole * inject('fuzzShare'));
