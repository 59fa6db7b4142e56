/**
 * Numbers that a seed repeats: sfc32 of Chris Doty-Humphrey's PractRand (pracrand.sourceforge.net), with its own
 * seeding of two words. Small, fast, and good in every bit; nothing to keep a secret with.
 */

const warmUpRounds = 12;

/** The run of a seed for the nth of its users: each call gives the next number, 0 to 1, without 1. */
export function seededRandom(seed: number, ordinal: number): () => number {
  let a = 0;
  let b = seed | 0;
  let c = ordinal | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < warmUpRounds; round += 1) next();
  return next;
}
