/** The server speaks first: what the client sends waits behind its banner. */
import type { Alarm } from './alarm.ts';
import type { FaultDefinition } from './fault-definition.ts';
import { type EffectOf, type Fields, milliseconds } from './fields.ts';
import { copyOf, type Finish, HeldItems, type Item } from './held-items.ts';
import { type ActiveFault, type Link, Stage, type StageContext } from './stage.ts';

const bannerBytesMax = 65_536;

const fields = {
  text: {
    kind: 'text',
    bytesMax: bannerBytesMax,
    otherwise: 'base64',
    isOptional: true,
    about: 'Sent as UTF-8.',
  },
  base64: {
    kind: 'base64',
    bytesMax: bannerBytesMax,
    isOptional: true,
    about: 'Sent as the bytes that it stands for.',
  },
  delayMs: { ...milliseconds, default: 0, about: 'Milliseconds after the accept.' },
} as const satisfies Fields;

type Banner = EffectOf<'banner', typeof fields>;

export const banner = {
  type: 'banner',
  about: 'The server speaks first: exactly one of text and base64.',
  on: ['stream'],
  fields,
  exactlyOneOf: ['text', 'base64'],
  createStage: (active, context, next) => new BannerStage(active, context, next),
  isForNewOnly: true,
  actsUnasked: () => true,
} as const satisfies FaultDefinition<Banner>;

class BannerStage extends Stage {
  readonly #fault: Banner;
  readonly #items: HeldItems;
  readonly #alarm: Alarm;
  #hasSpoken = false;

  constructor(active: ActiveFault<Banner>, context: StageContext, next: Link) {
    super(active, context, next);
    this.#fault = active.fault;
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
