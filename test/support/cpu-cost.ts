/** What work costs this process: CPU time, which a loaded machine does not stretch as it does wall time. */
export function cpuMs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Of three runs the cheapest: a collection of garbage or a compiler at work is not the work's own cost. */
export function leastCpuMs(work: () => unknown): number {
  return Math.min(...Array.from({ length: 3 }, () => cpuMs(work)));
}
