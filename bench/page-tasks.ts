/** What a trace of Chromium (its "Trace Event Format") tells of the tasks of a page: how long each was, and how much of it on a CPU. */

export interface TraceEvent {
  readonly name: string;
  /** `X` is one that has a beginning and an end. */
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds: of its beginning, of its length, and of its length on a CPU. */
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args: {
    readonly name?: string;
    readonly chrome_mojo_event_info?: { readonly mojo_interface_tag?: string };
  };
}

export interface Task {
  /** Of the task that was longest on a CPU: what else runs on the machine lengthens only the other figure. */
  readonly cpuMs: number;
  /** Of the task that took longest. */
  readonly wallMs: number;
}

/** Of the main thread of the page. What the driver of the browser has asked of it is no task of the page. */
export function longestTask(events: readonly TraceEvent[]): Task {
  const threadOf = ({ pid, tid }: TraceEvent) => `${pid}:${tid}`;
  const isMain = (event: TraceEvent) =>
    event.name === 'thread_name' && event.args.name === 'CrRendererMain';
  const mains = new Set(events.filter(isMain).map(threadOf));
  const spans = events.filter((event) => event.ph === 'X' && mains.has(threadOf(event)));
  const byDriver = spans.filter(
    ({ args }) => args.chrome_mojo_event_info?.mojo_interface_tag === 'blink.mojom.DevToolsSession',
  );
  const tasks = spans.filter((task) => {
    const isIn = (one: TraceEvent) =>
      threadOf(one) === threadOf(task) && one.ts >= task.ts && one.ts <= task.ts + (task.dur ?? 0);
    return task.name.endsWith('RunTask') && !byDriver.some(isIn);
  });
  if (!tasks.some(({ tdur }) => tdur !== undefined)) throw new Error('the trace has no CPU times');
  const most = (key: 'dur' | 'tdur') => Math.max(...tasks.map((task) => task[key] ?? 0)) / 1000;
  return { cpuMs: most('tdur'), wallMs: most('dur') };
}
