/** Every view is a URL: which page it is, of what, at which seq, and with which filters. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';

export type Page =
  | { readonly name: 'live' }
  | { readonly name: 'connections' }
  | { readonly name: 'listeners' }
  | { readonly name: 'nodes' }
  | { readonly name: 'keys' }
  /** A connection is shown beside the table. */
  | { readonly name: 'connection'; readonly id: string }
  /** `key` is its name or its id. */
  | { readonly name: 'listener'; readonly key: string };

/** Null where the console has no such page. */
export function pageOf(path: string): Page | null {
  const [, first = '', second = '', ...rest] = path.split('/');
  if (rest.length > 0) return null;
  if (first === '') return second === '' ? { name: 'live' } : null;
  const word = decode(second);
  if (first === 'connections' && word !== null)
    return word === '' ? { name: 'connections' } : { name: 'connection', id: word };
  if ((first === 'keys' || first === 'nodes') && word === '') return { name: first };
  if (first === 'listeners' && word !== null)
    return word === '' ? { name: 'listeners' } : { name: 'listener', key: word };
  return null;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** A change of the query: null takes a parameter away, a list repeats it. */
export type QueryChange = Readonly<Record<string, string | number | readonly string[] | null>>;

export function changedQuery(search: string, change: QueryChange): string {
  const params = new URLSearchParams(search);
  for (const [name, value] of Object.entries(change)) {
    params.delete(name);
    for (const one of [value ?? []].flat()) params.append(name, String(one));
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

/** What holds for all pages, and is kept on the way from one to another. */
const kept = ['project', 'at'];

export class Router {
  readonly #window: Window;
  readonly #url: Signal<URL>;
  readonly page: ReadonlySignal<Page | null>;
  readonly query: ReadonlySignal<URLSearchParams>;
  #tell: () => void = () => undefined;
  #isHeld = false;

  constructor(window: Window) {
    this.#window = window;
    this.#url = signal(new URL(window.location.href));
    this.page = computed(() => pageOf(this.#url.value.pathname));
    this.query = computed(() => this.#url.value.searchParams);
    window.addEventListener('popstate', () => this.#return());
    window.document.addEventListener('click', (event) => this.#follow(event));
  }

  /** The address of a page of the console, with what is kept on the way there. */
  href(path: string, change: QueryChange = {}): string {
    const carried = kept.map((name) => [name, this.query.value.get(name)]);
    return path + changedQuery('', { ...Object.fromEntries(carried), ...change });
  }

  go(url: string): void {
    this.#window.history.pushState(null, '', url);
    this.#read();
    this.#window.scrollTo(0, 0);
  }

  /** The same page with another query, in the place of what stood there. */
  change(change: QueryChange): void {
    const { pathname, search } = this.#url.value;
    const next = pathname + changedQuery(search, change);
    if (next === pathname + search) return;
    this.#window.history.replaceState(null, '', next);
    this.#read();
  }

  /** Calls back when somebody has gone back or forward to another URL. */
  onReturn(callback: () => void): void {
    this.#tell = callback;
  }

  /** Nobody goes back or forward from this page until what it gives is called. */
  hold(): () => void {
    this.#isHeld = true;
    return () => {
      this.#isHeld = false;
    };
  }

  #return(): void {
    const { pathname, search } = this.#url.value;
    const { pathname: path, search: query } = this.#window.location;
    // A fragment that was followed is no other URL.
    const isOther = path !== pathname || query !== search;
    // A browser does not say which way it went, nor how far: this page comes after where it is now.
    if (isOther && this.#isHeld) {
      this.#window.history.pushState(null, '', pathname + search);
      return;
    }
    this.#read();
    if (isOther) this.#tell();
  }

  #read(): void {
    this.#url.value = new URL(this.#window.location.href);
  }

  /** A link to a page of ours is followed here, unless another tab or window was asked for. */
  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || link.target !== '' || link.hasAttribute('download')) return;
    if (link.origin !== this.#window.location.origin || pageOf(link.pathname) === null) return;
    // A place on this page is gone to by the browser.
    const { pathname, search } = this.#window.location;
    if (link.hash !== '' && link.pathname === pathname && link.search === search) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  }
}
