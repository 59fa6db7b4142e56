/**
 * What memory costs that has rested: a virtual machine's host may take the page tables or the caches away from who does
 * nothing for some milliseconds. It is most of what happens a few times a second, and differs tenfold from hour to hour.
 */

const pageBytes = 4096;
const pages = 4096;
const restsMs = [0, 10, 100] as const;
const rounds = 5;

/** Such as `a page of 4 KiB is read in 0.005 µs, after a rest of 10 ms in 0.11 µs, after a rest of 100 ms in 1.2 µs`. */
export async function restedMemoryText(): Promise<string> {
  const memory = new Uint8Array(pages * pageBytes).fill(1);
  // The first also compiles the loop.
  await costOf(memory, 0);
  const costs: string[] = [];
  for (const restMs of restsMs) {
    const us = (await costOf(memory, restMs)).toPrecision(2);
    costs.push(restMs === 0 ? `${us} µs` : `after a rest of ${restMs} ms in ${us} µs`);
  }
  return `a page of 4 KiB is read in ${costs.join(', ')}`;
}

/** Microseconds for a page: the middle one of some rounds. */
async function costOf(memory: Uint8Array, restMs: number): Promise<number> {
  const costs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    if (restMs > 0) await new Promise((next) => setTimeout(next, restMs));
    const startedAt = performance.now();
    let sum = 0;
    // Another line of each page, so that no two fall upon one place of a cache.
    for (let page = 0; page < pages; page += 1) {
      sum += memory[page * pageBytes + (page % 64) * 64] ?? 0;
    }
    if (sum !== pages) throw new TypeError('memory tells what was not written');
    costs.push(((performance.now() - startedAt) * 1000) / pages);
  }
  return costs.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN;
}
