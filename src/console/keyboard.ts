/** The keys of the page (WCAG 2.1.4): none where a field has focus or a dialog is open, and all can be turned off. */
import { signal } from '@preact/signals';

export type Keys = Readonly<Record<string, (event: KeyboardEvent) => void>>;

const storageName = 'kodama-keys';
/** What is left by Esc. */
const fields = 'input, select, textarea';
/** What is typed into, or takes these keys itself. */
const takers = 'input, select, textarea, [contenteditable], dialog';
/** What has focus takes these keys itself. */
const pressed: Readonly<Record<string, string>> = {
  ' ': 'button, summary',
  Enter: 'button, summary, a',
};

export class Keyboard {
  readonly isOn;
  /** Whether the list of the keys is shown. */
  readonly isListed = signal(false);
  readonly #storage: Pick<Storage, 'getItem' | 'setItem'>;
  /** The last one that was added comes first. */
  readonly #layers: Keys[] = [];

  constructor(target: Document, storage: Pick<Storage, 'getItem' | 'setItem'>) {
    this.#storage = storage;
    this.isOn = signal(storage.getItem(storageName) !== 'off');
    target.addEventListener('keydown', (event) => this.#press(event));
  }

  turn(isOn: boolean): void {
    this.isOn.value = isOn;
    this.#storage.setItem(storageName, isOn ? 'on' : 'off');
  }

  /** Until what it gives is called. */
  add(keys: Keys): () => void {
    this.#layers.unshift(keys);
    return () => void this.#layers.splice(this.#layers.indexOf(keys), 1);
  }

  #press(event: KeyboardEvent): void {
    const { key, target } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!this.isOn.value && key.length === 1) return;
    if (!(target instanceof HTMLElement)) return;
    if (key === 'Escape' && target.matches(fields) && !event.isComposing) {
      // What stands in it is of the field itself: a dialog closes, and what is beside the field is for the next press.
      if (target.closest('dialog') === null) target.blur();
      return;
    }
    if (target.closest(takers) !== null) return;
    const presser = pressed[key];
    if (presser !== undefined && target.closest(presser) !== null) return;
    const action = this.#layers.find((keys) => Object.hasOwn(keys, key))?.[key];
    if (action === undefined) return;
    event.preventDefault();
    action(event);
  }
}
