/**
 * Who shows which key. A key that was found good is remembered for some seconds, one that is nobody's for one; when
 * keys change, nothing is. A stream is watched: its key is looked at again while it lasts, so that no key outlives
 * its end by more than it is remembered.
 */
import { timingSafeEqual } from 'node:crypto';
import { AddressRates } from '../core/address-rates.ts';
import { type Identity, operator } from '../core/caller.ts';
import { AppError, hasCode, invalidField } from '../core/errors.ts';
import type { Keys, KeyWatch, Shown } from '../core/keys.ts';
import type { Clock, Logger } from '../core/ports.ts';
import { WakeUps } from '../core/wake-ups.ts';
import type { FoundKey } from './api-key.ts';
import { actorOf, assertGood, ended, identityOf, KeyEnded, unauthenticated } from './good-key.ts';
import { digestOf, isSecret } from './key-secret.ts';
import { type MetricsReaderLimits, MetricsReaders } from './metrics-readers.ts';
import { projectName } from './project.ts';
import type { Refusals } from './refusals.ts';
import type { KeyRows, KeyUse, TenancyWakes } from './store.ts';

export interface KeyRingLimits extends MetricsReaderLimits {
  /** How long a key that was found good is not looked up again. */
  readonly keyTtlMs: number;
  /** The same for what is nobody's key. */
  readonly unknownKeyTtlMs: number;
  /** Keys that are remembered, good ones and others. */
  readonly rememberedKeysMax: number;
  /** Shown from one address: beyond it they are refused unseen. */
  readonly failedKeysPerSecond: number;
  readonly failedKeyAddressesMax: number;
  /** How often it is written down when keys were last used. */
  readonly keyUseIntervalMs: number;
}

export interface KeyRingOptions {
  readonly keys: Pick<KeyRows, 'findByDigest' | 'used'>;
  readonly wakes: Pick<TenancyWakes, 'onChange'>;
  /** An operator's, from the environment; null: there is none. */
  readonly apiToken: string | null;
  /** Whoever shows no key is an operator. */
  readonly isOpen: boolean;
  readonly refusals: Pick<Refusals, 'tell'>;
  /** Somebody showed no key, none that is known, or so many of those that this one was not looked at. */
  readonly onUnauthenticated: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: KeyRingLimits;
}

interface Remembered {
  /** Null: nobody's. */
  readonly key: FoundKey | null;
  readonly identity: Identity | null;
  /** Of a clock that never jumps. */
  readonly untilMs: number;
}

/** How often the key of a watched call is looked up. */
const watchShare = 0.5;

export class KeyRing implements Keys, AsyncDisposable {
  readonly #options: KeyRingOptions;
  readonly #token: Buffer | null;
  /** Of what is shaped like a key, and of all else: who mistypes holds up no key that may be good. */
  readonly #failures: Readonly<Record<'shaped' | 'other', AddressRates>>;
  /** By digest, in the order in which they came. */
  readonly #remembered = new Map<string, Remembered>();
  /** Digests that were good when they were last looked up, however long ago: no failures of others hold them up. */
  readonly #wereGood = new Set<string>();
  readonly #lookups = new Map<string, Promise<Remembered>>();
  readonly #watched = new Map<string, Set<AbortController>>();
  readonly #readers: MetricsReaders;
  #uses = new Map<string, KeyUse>();
  readonly #endChanges: () => void;
  readonly #watching: NodeJS.Timeout;
  readonly #writing: NodeJS.Timeout;
  readonly #stop = new AbortController();

  constructor(options: KeyRingOptions) {
    this.#options = options;
    const { apiToken, limits, wakes } = options;
    this.#token = apiToken === null ? null : digestOf(apiToken);
    this.#readers = new MetricsReaders(limits);
    const { failedKeysPerSecond: perSecond } = limits;
    const rates = () =>
      new AddressRates({ perSecond, burst: perSecond }, limits.failedKeyAddressesMax);
    this.#failures = { shaped: rates(), other: rates() };
    this.#endChanges = wakes.onChange(() => {
      this.#remembered.clear();
      // What is being looked up may be from before.
      this.#lookups.clear();
      void this.#lookAgain();
      // What one of them finds is kept for when nothing can be found.
      for (const reader of this.#readers.digests) this.#lookUp(reader).catch(() => undefined);
    });
    this.#watching = setInterval(
      () => void this.#lookAgain(),
      limits.keyTtlMs * watchShare,
    ).unref();
    this.#writing = setInterval(() => void this.#writeUses(), limits.keyUseIntervalMs).unref();
  }

  async identify(shown: Shown): Promise<Identity> {
    const { project } = shown;
    if (project !== null && !projectName.pattern.test(project)) {
      throw invalidField('kodama-project', projectName.words);
    }
    const identity = await this.#whoHas(shown).catch((error: unknown) => {
      this.#tell(error, shown);
      throw error;
    });
    if (project === null) return identity;
    if (identity.actor.kind === 'operator') return { ...identity, project, isProjectNamed: true };
    if (project === identity.project) return identity;
    throw new AppError('not_found', `no project ${project}`);
  }

  /** What a known key is refused is in the audit; what no key signs is counted, for strangers make it. */
  #tell(error: unknown, { operation, ...caller }: Shown): void {
    const { refusals, logger, onUnauthenticated } = this.#options;
    if (error instanceof KeyEnded) {
      const { project } = error.key;
      const of = { caller: { ...caller, actor: actorOf(error.key) }, project };
      refusals.tell({ ...of, operation: operation ?? 'none', outcome: error.code });
    } else if (hasCode(error, 'unauthenticated') || hasCode(error, 'resource_exhausted')) {
      const { sourceIp, requestId } = caller;
      onUnauthenticated();
      logger.debug({ sourceIp, requestId, operation }, 'a call that no known key signs');
    }
  }

  async #whoHas(shown: Shown): Promise<Identity> {
    const { secret, sourceIp } = shown;
    if (secret === null) {
      if (this.#options.isOpen) return operator;
      throw unauthenticated('is missing');
    }
    const digest = digestOf(secret);
    const name = digest.toString('hex');
    const known = this.#recall(name);
    if (known?.identity != null) return this.#used(known.identity, known.key, shown);
    const { clock, limits } = this.#options;
    const rates = this.#failures[isSecret(secret) ? 'shaped' : 'other'];
    const failures = rates.of(sourceIp, clock.now());
    // Many who show one key at once are one look: so they are one that may fail.
    const isCounted = !this.#wereGood.has(name) && !this.#lookups.has(name);
    if (isCounted && !failures.take(clock.now())) {
      const { failedKeysPerSecond: limitValue } = limits;
      const message = `more than ${limitValue} keys a second from ${sourceIp ?? 'one address'} that are none`;
      const limit = { limit: 'failedKeysPerSecond', limitValue, retryAfterMs: 1000 };
      throw new AppError('resource_exhausted', message, limit);
    }
    const whose = this.#whose(secret, digest, name, shown.operation);
    const { key, identity } = await whose.catch((error: unknown) => {
      // While the database is away nobody knows whether it is one.
      if (isCounted && hasCode(error, 'unavailable')) failures.giveBack();
      throw error;
    });
    if (identity === null) throw unauthenticated('holds no valid bearer token');
    if (isCounted) failures.giveBack();
    return this.#used(identity, key, shown);
  }

  async #whose(secret: string, digest: Buffer, name: string, operation: Shown['operation']) {
    // Digests have one length, so that the comparison tells nothing of the token.
    if (this.#token !== null && timingSafeEqual(digest, this.#token)) {
      return this.#remember(name, null, operator);
    }
    if (!isSecret(secret)) return this.#remember(name, null, null);
    const asKnown = (error: unknown) =>
      this.#readers.insteadOf(error, name, operation, this.#options.clock.now());
    return this.#recall(name) ?? (await this.#lookUp(name).catch(asKnown));
  }

  /** What is remembered, unless its time is over. @throws unauthenticated where it has ended meanwhile */
  #recall(name: string): Remembered | null {
    const remembered = this.#remembered.get(name);
    if (remembered === undefined || remembered.untilMs <= performance.now()) return null;
    if (remembered.key !== null) assertGood(remembered.key, name, this.#options.clock.now());
    return remembered;
  }

  #remember(name: string, key: FoundKey | null, identity: Identity | null): Remembered {
    const { keyTtlMs, unknownKeyTtlMs, rememberedKeysMax } = this.#options.limits;
    const ttlMs = identity === null ? unknownKeyTtlMs : keyTtlMs;
    const remembered = { key, identity, untilMs: performance.now() + ttlMs };
    this.#remembered.delete(name);
    this.#remembered.set(name, remembered);
    this.#wereGood.delete(name);
    if (identity !== null) this.#wereGood.add(name);
    for (const kept of [this.#remembered, this.#wereGood]) {
      const [oldest = name] = kept.keys();
      if (kept.size > rememberedKeysMax) kept.delete(oldest);
    }
    return remembered;
  }

  /** Many who show one key at once are one look. @throws unauthenticated for one that has ended, unavailable */
  #lookUp(name: string): Promise<Remembered> {
    const underWay = this.#lookups.get(name);
    if (underWay !== undefined) return underWay;
    const isOfNow = () => this.#lookups.get(name) === lookup;
    const lookup: Promise<Remembered> = this.#findKey(name, isOfNow);
    this.#lookups.set(name, lookup);
    const end = () => {
      if (isOfNow()) this.#lookups.delete(name);
    };
    lookup.then(end, end);
    return lookup;
  }

  /** What it finds is remembered unless keys have changed meanwhile. */
  async #findKey(name: string, isOfNow: () => boolean): Promise<Remembered> {
    const key = await this.#options.keys.findByDigest(Buffer.from(name, 'hex'));
    if (isOfNow()) this.#readers.learn(name, key);
    const remember = (identity: Identity | null): Remembered =>
      isOfNow() ? this.#remember(name, key, identity) : { key, identity, untilMs: 0 };
    if (key === null) return remember(null);
    if (isOfNow()) this.#remembered.delete(name);
    this.#wereGood.delete(name);
    assertGood(key, name, this.#options.clock.now());
    return remember(identityOf(key, name));
  }

  #used(identity: Identity, key: FoundKey | null, { sourceIp: ip, operation }: Shown): Identity {
    const { id } = identity.actor;
    this.#readers.keep(identity.digest, key, operation);
    if (id !== null) this.#uses.set(id, { id, ip, at: this.#options.clock.now() });
    return identity;
  }

  watch({ digest }: Identity): KeyWatch {
    const ended = new AbortController();
    const { signal } = ended;
    if (digest === null) return { signal, good: () => null, [Symbol.dispose]: () => undefined };
    const watchers = this.#watched.get(digest) ?? new Set();
    this.#watched.set(digest, watchers.add(ended));
    return {
      signal,
      good: () => (this.#recall(digest)?.identity == null ? this.#goodAgain(digest, signal) : null),
      [Symbol.dispose]: () => {
        watchers.delete(ended);
        if (watchers.size === 0 && this.#watched.get(digest) === watchers)
          this.#watched.delete(digest);
      },
    };
  }

  /** While the database is away it waits. @throws unauthenticated */
  async #goodAgain(digest: string, signal: AbortSignal): Promise<void> {
    const wakeUps = new WakeUps();
    const over = AbortSignal.any([signal, this.#stop.signal]);
    for (;;) {
      signal.throwIfAborted();
      try {
        const { identity } = await this.#lookUp(digest);
        if (identity === null) throw ended();
        return;
      } catch (error) {
        if (!hasCode(error, 'unavailable') || this.#stop.signal.aborted) throw error;
        await wakeUps.sleep(this.#options.limits.unknownKeyTtlMs, over);
      }
    }
  }

  /** At the keys of the calls that are watched. */
  async #lookAgain(): Promise<void> {
    await Promise.all(
      [...this.#watched].map(async ([digest, watchers]) => {
        try {
          const { identity } = await this.#lookUp(digest);
          if (identity === null) throw ended();
        } catch (error) {
          // Who waits for the database goes on; see `good`.
          if (!hasCode(error, 'unauthenticated')) return;
          for (const watcher of watchers) watcher.abort(error);
        }
      }),
    );
  }

  async #writeUses(): Promise<void> {
    if (this.#uses.size === 0) return;
    const uses = [...this.#uses.values()];
    this.#uses = new Map();
    try {
      await this.#options.keys.used(uses);
    } catch (err) {
      this.#options.logger.debug({ err }, 'could not write down when keys were used');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endChanges();
    clearInterval(this.#watching);
    clearInterval(this.#writing);
    this.#stop.abort();
    await this.#writeUses();
  }
}
