/**
 * A certificate and its key, as two files that somebody renews while kodama runs. They are read again and again, not
 * watched: a renewal writes, renames, or turns a link round as a mounted secret of Kubernetes does, and what was watched
 * is another file then. What can not be used, such as a new certificate whose key has yet to come, changes nothing.
 */
import { constants, open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../core/ports.ts';
import { checkPair, type PairNames } from './certificates.ts';

export interface CertificateFilesOptions {
  readonly paths: Paths;
  /** How whoever set up the files knows them. */
  readonly names: PairNames;
  /** Who shows it. */
  readonly owner: string;
  readonly logger: Logger;
  readonly limits: CertificateFilesLimits;
}

export interface CertificateFilesLimits {
  /** How old may be what is used. */
  readonly readIntervalMs: number;
  readonly fileBytesMax: number;
}

interface Paths {
  readonly cert: string;
  readonly key: string;
}

/** As PEM. */
interface Pair {
  readonly cert: string;
  readonly key: string;
}

export class CertificateFiles implements AsyncDisposable {
  readonly #options: CertificateFilesOptions;
  readonly #listeners: ((pair: Pair) => void)[] = [];
  readonly #stop = new AbortController();
  readonly #stopped: Promise<void>;
  #pair: Pair;
  /** What is wrong with the files, once it has been told. */
  #fault: string | null = null;

  private constructor(options: CertificateFilesOptions, pair: Pair) {
    this.#options = options;
    this.#pair = pair;
    this.#stopped = this.#follow();
  }

  /** Rejects with what is wrong, by the name of the file. */
  static async open(options: CertificateFilesOptions): Promise<CertificateFiles> {
    const pair = await readPair(options);
    tell(options, 'is read', checkPair(pair, options.names));
    return new CertificateFiles(options, pair);
  }

  get pair(): Pair {
    return this.#pair;
  }

  onRenewed(listener: (pair: Pair) => void): void {
    this.#listeners.push(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#stopped;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    const { readIntervalMs } = this.#options.limits;
    for (;;) {
      await delay(readIntervalMs, null, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      await this.#readAgain();
    }
  }

  async #readAgain(): Promise<void> {
    const { names, logger } = this.#options;
    try {
      const pair = await readPair(this.#options);
      if (pair.cert !== this.#pair.cert || pair.key !== this.#pair.key) {
        const leaf = checkPair(pair, names);
        this.#pair = pair;
        for (const listener of this.#listeners) listener(pair);
        tell(this.#options, 'is a new one', leaf);
      }
      this.#fault = null;
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      if (fault === this.#fault) return;
      this.#fault = fault;
      logger.warn({ reason: fault }, 'the certificate stays the one of before');
    }
  }
}

async function readPair({ paths, names, limits }: CertificateFilesOptions): Promise<Pair> {
  const [cert, key] = await Promise.all(
    (['cert', 'key'] as const).map((part) =>
      readPart(paths[part], limits.fileBytesMax).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`${names[part]} cannot be read: ${reason}`, { cause: error });
      }),
    ),
  );
  return { cert: cert ?? '', key: key ?? '' };
}

/** Opened once: what is looked at is what is read, whatever comes in its place meanwhile. */
async function readPart(path: string, bytesMax: number): Promise<string> {
  // To open a pipe waits for its writer otherwise (fifo(7)).
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const found = await file.stat();
  // A pipe can be read once, and a device has no end.
  if (!found.isFile()) throw new Error(`${path} is no file`);
  if (found.size > bytesMax) throw new Error(`${path} has more than ${bytesMax} bytes`);
  return await file.readFile('utf8');
}

/** It is used though its time is over, or has not come: how would anybody reach kodama to see it? */
function tell(
  { logger, owner }: Pick<CertificateFilesOptions, 'logger' | 'owner'>,
  what: string,
  { fingerprint256, validFromDate, validToDate }: ReturnType<typeof checkPair>,
): void {
  const message = `the certificate of ${owner} ${what}`;
  const until = validToDate.toISOString();
  const now = Date.now();
  if (validFromDate.getTime() <= now && now < validToDate.getTime()) {
    logger.info({ fingerprint256, until }, message);
  } else {
    const from = validFromDate.toISOString();
    logger.warn({ fingerprint256, from, until }, `${message}, and is not valid now`);
  }
}
