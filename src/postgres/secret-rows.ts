/** Rows of listeners' secrets ↔ core: encrypted as they are made, where there is a key, and opened as they are read. */
import type { ListenerSecrets } from '../core/listener.ts';
import type { Database, Rows } from './database.ts';
import type { Row } from './row-literal.ts';
import { type SecretCipher, type SecretPlace, SecretRefused } from './secret-cipher.ts';

/** A secret as it lies in the database: plain, or sealed. */
export type SecretColumns = readonly [
  tlsKey: string | null,
  keyId: string | null,
  sealed: Buffer | null,
];

export function secretRow(tlsKey: string, place: SecretPlace, cipher: SecretCipher): Row {
  const sealed = cipher.seal(tlsKey, place);
  if (sealed === null) return [place.listenerId, tlsKey, null, null];
  return [place.listenerId, null, sealed.keyId, `\\x${sealed.bytes.toString('hex')}`];
}

const secretsText = `SELECT listener_id, tls_key, key_id, sealed_tls_key FROM listener_secrets
  WHERE listener_id = ANY ($1::uuid[])`;

/** By listener id. */
export async function readSecrets(
  database: Database,
  listenerIds: readonly string[],
): Promise<ReadonlyMap<string, SecretColumns>> {
  const rows: Rows = await database.query({ text: secretsText, values: [listenerIds] });
  return new Map(rows.map(([id, ...columns]) => [id as string, columns as never]));
}

/** What a listener has of them; of one that has no row, none. */
export function openSecrets(
  columns: SecretColumns | undefined,
  { id, project }: { readonly id: string; readonly project: number },
  cipher: SecretCipher,
): ListenerSecrets {
  if (columns === undefined) return { tlsKey: null };
  try {
    return { tlsKey: openTlsKey(columns, { project, listenerId: id }, cipher) };
  } catch (error) {
    if (!(error instanceof SecretRefused)) throw error;
    const { code, message } = error;
    return {
      tlsKey: null,
      unreadable: { code, message: `its TLS key can not be read: ${message}` },
    };
  }
}

/** @throws SecretRefused */
export function openTlsKey(
  [tlsKey, keyId, bytes]: SecretColumns,
  place: SecretPlace,
  cipher: SecretCipher,
): string {
  if (tlsKey !== null) return tlsKey;
  if (keyId === null || bytes === null) throw new TypeError('a secret is plain or sealed');
  return cipher.open({ keyId, bytes }, place);
}
