/** Loaded before a process (`--import`): its time of day is wrong by SHIFT_MS. Its monotonic clock is not. */
const shiftMs = Number(process.env.SHIFT_MS);
const RightDate = Date;

globalThis.Date = new Proxy(RightDate, {
  construct: (target, given: readonly unknown[], asked) =>
    Reflect.construct(target, given.length === 0 ? [target.now() + shiftMs] : given, asked),
  apply: (target) => new target(target.now() + shiftMs).toString(),
  get: (target, name) =>
    name === 'now' ? () => target.now() + shiftMs : Reflect.get(target, name),
});
