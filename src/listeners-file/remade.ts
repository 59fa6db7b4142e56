/** What is made in the place of a listener that can not become as a file wants it. */
import { type Listener, specOf } from './listener-spec.ts';
import {
  type Fields,
  isFields,
  type WantedListener,
  WrongFields,
  wrongFields,
} from './listeners-file.ts';

/** As the file says, and where that says nothing as it was. @throws WrongFields: what was does not go with what is wanted */
export function remade(is: Listener, wanted: WantedListener): WantedListener {
  const { expiresAt, ...rest } = wasOf(is);
  const was = wanted.ttlMs === undefined && expiresAt !== undefined ? { ...rest, expiresAt } : rest;
  const made: Record<string, unknown> = { ...was, ...wanted };
  for (const field of ['limits', 'tls', 'proxyProtocol']) {
    const [before, now] = [was[field], wanted[field]];
    if (isFields(before) && isFields(now)) made[field] = { ...before, ...now };
  }
  if (made.protocol !== 'tls' && wanted.tls === undefined) delete made.tls;
  const whole = { ...made, name: wanted.name };
  const wrong = [...wrongFields([whole]), ...lostKey(is, whole)];
  if (wrong.length > 0) throw new WrongFields(wrong);
  return whole;
}

/** What makes it again; null where nothing can, or nobody wants it. Of its own certificate only the file may have the key. */
export function asItWas(is: Listener, wanted: WantedListener): WantedListener | null {
  const { name, state, tls } = is;
  if (name === null || state === 'draining') return null;
  const was = wasOf(is);
  if (tls === null || tls.isSelfSigned) return { ...was, name };
  if (!isFields(wanted.tls) || wanted.tls.key === undefined) return null;
  const pair = { cert: tls.cert, key: wanted.tls.key };
  const whole = { ...was, name, tls: { ...(isFields(was.tls) && was.tls), ...pair } };
  return wrongFields([whole]).length === 0 ? whole : null;
}

function wasOf(is: Listener): Fields {
  return { ...specOf(is, null), ...(is.expiresAt !== null && { expiresAt: is.expiresAt }) };
}

function lostKey(is: Listener, { name, protocol, tls }: WantedListener) {
  if (protocol !== 'tls' || is.tls === null || is.tls.isSelfSigned) return [];
  if (isFields(tls) && tls.key !== undefined) return [];
  const message = 'has a certificate whose key is never shown: name `cert` and `key`';
  return [{ path: `${name}.tls`, message }];
}
