/**
 * Secrets at rest: AES-256-GCM (NIST SP 800-38D) under a key of the environment. What is sealed is bound to its place,
 * a project and a listener of it: in the row of another it is refused, as it is with a bit changed.
 *
 * - A nonce is 96 random bits: of one key at most 2^32 secrets may be sealed (section 8.3 there).
 * - Two keys are valid at a time. The current one seals; either opens what names it.
 * - Without a key nothing is sealed.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

/** Of 32 bytes each. */
export interface SecretKeys {
  readonly current: KeyObject | null;
  /** The one before. */
  readonly old: KeyObject | null;
}

export interface SecretPlace {
  /** The number of the project. */
  readonly project: number;
  readonly listenerId: string;
}

export interface Sealed {
  readonly keyId: string;
  /** Nonce, tag and ciphertext. */
  readonly bytes: Buffer;
}

export type SecretFault = 'secret_key_missing' | 'secret_tampered';

/** Says which key, never what was sealed. */
export class SecretRefused extends Error {
  override readonly name = 'SecretRefused';
  readonly code: SecretFault;

  constructor(code: SecretFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

export class SecretCipher {
  /** Of the key that seals; null without one. */
  readonly currentId: string | null;
  /** Of the one before. */
  readonly oldId: string | null;
  readonly #keys: ReadonlyMap<string, KeyObject>;
  readonly #current: KeyObject | null;

  constructor({ current, old }: SecretKeys) {
    this.#current = current;
    this.currentId = current && keyId(current);
    this.oldId = old && keyId(old);
    const keys = [current, old].filter((key) => key !== null);
    this.#keys = new Map(keys.map((key) => [keyId(key), key]));
  }

  /** Null without a key. */
  seal(text: string, place: SecretPlace): Sealed | null {
    if (this.#current === null || this.currentId === null) return null;
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(algorithm, this.#current, nonce, { authTagLength: tagBytes });
    cipher.setAAD(boundTo(place, this.currentId));
    const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    const bytes = Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
    return { keyId: this.currentId, bytes };
  }

  /** @throws SecretRefused */
  open({ keyId: id, bytes }: Sealed, place: SecretPlace): string {
    const key = this.#keys.get(id);
    if (key === undefined) {
      const message = `it is encrypted under the key ${id}, which this process does not have`;
      throw new SecretRefused('secret_key_missing', message);
    }
    try {
      const nonce = bytes.subarray(0, nonceBytes);
      const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
      decipher.setAAD(boundTo(place, id));
      decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      const text = decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8');
      return text + decipher.final('utf8');
    } catch (cause) {
      const message = 'the record of it was changed, or is that of another listener';
      throw new SecretRefused('secret_tampered', message, { cause });
    }
  }
}

/** Known to all who see the database, and says nothing of the key. */
function keyId(key: KeyObject): string {
  return createHmac('sha256', key).update('kodama secret key id').digest('hex').slice(0, 16);
}

function boundTo({ project, listenerId }: SecretPlace, id: string): Buffer {
  return Buffer.from(`kodama tls_key project=${project} listener=${listenerId} key=${id}`);
}
