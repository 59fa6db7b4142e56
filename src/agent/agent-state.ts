/**
 * What an agent keeps in its data directory: its key, as whom and where it has joined, and by what it knows the gateway.
 * With it a restart needs neither address nor token. Whoever reads it can be this node.
 */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const schema = z.object({
  /** PKCS #8, as PEM; null where it was told to forget it. */
  privateKey: z.string().nullable(),
  /** Null before it has joined. */
  joined: z.object({ nodeId: z.string(), name: z.string(), installation: z.string() }).nullable(),
  urls: z.array(z.string()),
  pin: z.string().nullable(),
  /** Digests of join tokens whose node was removed: nobody joins with them from here again. */
  spent: z.array(z.string()),
  /** Of the token that it has joined with, or tries to. */
  token: z.string().nullable(),
});

export type AgentState = Readonly<z.output<typeof schema>>;

const fileName = 'agent.json';
const spentMax = 100;
const empty: AgentState = {
  ...{ privateKey: null, joined: null, urls: [], pin: null, spent: [], token: null },
};

export function tokenDigest(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

export class AgentStateFile {
  readonly #path: string;
  #state: AgentState;

  private constructor(path: string, state: AgentState) {
    this.#path = path;
    this.#state = state;
  }

  /** The directory is ours alone. @throws an Error that says what is wrong with the file */
  static async open(directory: string): Promise<AgentStateFile> {
    const path = join(directory, fileName);
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    return new AgentStateFile(path, text === null ? empty : parse(text, path));
  }

  get state(): AgentState {
    return this.#state;
  }

  /** The private key, which is made and kept where there is none. */
  async key(): Promise<KeyObject> {
    if (this.#state.privateKey === null) {
      const { privateKey } = generateKeyPairSync('ed25519');
      const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
      await this.change({ privateKey: String(pem) });
    }
    return createPrivateKey(this.#state.privateKey ?? '');
  }

  /** Stays after a loss of power, whole. */
  async change(change: Partial<AgentState>): Promise<void> {
    const state = { ...this.#state, ...change };
    const draft = `${this.#path}.new`;
    const file = await open(draft, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(state, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, this.#path);
    this.#state = state;
  }

  /** The node was removed: its key is good for nothing, and its token is not to make another. */
  async forget(): Promise<void> {
    const { token, spent } = this.#state;
    const more = token === null || spent.includes(token) ? [] : [token];
    await this.change({ ...empty, spent: [...spent, ...more].slice(-spentMax) });
  }
}

function parse(text: string, path: string): AgentState {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${path} is no state of an agent: remove it, and join again`, { cause });
  }
}
