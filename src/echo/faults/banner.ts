/** The server speaks first: what the client sends waits behind its banner. */
import type { Fault } from '../../core/fault.ts';
import type { Alarm } from './alarm.ts';
import { copyOf, type Finish, HeldItems, type Item } from './held-items.ts';
import { type ActiveFault, type Link, Stage, type StageContext } from './stage.ts';

export class BannerStage extends Stage {
  readonly #fault: Fault & { readonly type: 'banner' };
  readonly #items: HeldItems;
  readonly #alarm: Alarm;
  #hasSpoken = false;

  constructor(
    active: ActiveFault,
    context: StageContext,
    next: Link,
    fault: Fault & { readonly type: 'banner' },
  ) {
    super(active, context, next);
    this.#fault = fault;
    this.#items = new HeldItems(this.held);
    this.#alarm = context.createAlarm(() => this.#speak());
  }

  override start(acceptedAt: number): void {
    if (this.#fault.delayMs === 0) this.#speak();
    else this.#alarm.set(acceptedAt + this.#fault.delayMs);
  }

  /** Too late to speak first. */
  override join(): void {
    this.#hasSpoken = true;
  }

  #speak(): void {
    this.#hasSpoken = true;
    const { text, base64 } = this.#fault;
    const banner = base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64');
    this.next.speak(copyOf(banner));
    for (const item of this.#items.drain()) this.handOn(item);
  }

  protected take(bytes: Buffer, isOwned: boolean): void {
    if (this.#hasSpoken) this.next.enter(bytes, isOwned);
    else this.#items.add(bytes, isOwned);
  }

  /** Banners wait for no other banner: each has its time. */
  override speak(bytes: Buffer): void {
    this.next.speak(bytes);
  }

  protected override takeFinish(how: Finish): void {
    if (this.#hasSpoken) this.next.finish(how);
    else this.#items.add(how, true);
  }

  protected override drain(): readonly Item[] {
    return this.#items.drain();
  }

  override destroy(): void {
    super.destroy();
    this.#alarm.clear();
  }
}
