/**
 * DATABASE_URL as libpq reads it: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 * What is not understood is refused by name, never passed over. No message holds any of what may be a password.
 */
import { readFileSync } from 'node:fs';
import type { ClientConfig } from 'pg';

type SslMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';
type Parameter = 'host' | 'port' | 'user' | 'password' | 'options' | 'sslmode' | SslFile;
type SslFile = 'sslrootcert' | 'sslcert' | 'sslkey';

const sslModes: readonly string[] = ['disable', 'require', 'verify-ca', 'verify-full'];
const tlsModes = 'say require, verify-ca or verify-full';
const sslFiles = ['sslrootcert', 'sslcert', 'sslkey'] as const;
const parameters: readonly string[] = [
  ...['host', 'port', 'user', 'password', 'options', 'sslmode'],
  ...sslFiles,
];

const encodeHint =
  'percent-encode what has a meaning in URLs and stands in its user name, password or database ' +
  '(/ as %2F, ? as %3F, # as %23, @ as %40, : as %3A, % as %25)';

const noHost = 'none.invalid';

/** What to write instead of parameters that other programs know. */
const hints: Readonly<Record<string, string>> = {
  schema: 'say options=-c%20search_path%3DNAME instead',
  ssl: 'say sslmode instead',
};

export class DatabaseUrlError extends Error {
  override readonly name = 'DatabaseUrlError';
}

/** What is wrong with the URL, in words that follow its name; null where nothing is. */
export function databaseUrlFault(text: string): string | null {
  try {
    parseDatabaseUrl(text);
    return null;
  } catch (error) {
    if (error instanceof DatabaseUrlError) return error.message;
    throw error;
  }
}

/** What is wrong with the PGPORT that the driver takes where the URL has no port: a connection to none is lost. */
export function driverPortFault(text: string | undefined, port = ''): string | null {
  if (text === undefined || port === '') return null;
  const isTaken = parseDatabaseUrl(text).port === undefined;
  return !isTaken || isPort(port) ? null : `must be a ${portWords}: DATABASE_URL names no port`;
}

/**
 * The URL as what the driver takes, complete but for what libpq too would look up elsewhere (PGUSER, PGOPTIONS).
 * Reads the files that the URL names.
 * @throws DatabaseUrlError
 */
export function databaseConfig(text: string): ClientConfig {
  const { ssl: files, sslMode, ...config } = parseDatabaseUrl(text);
  // As in libpq, a Unix socket has no TLS.
  if (sslMode === 'disable' || config.host?.startsWith('/')) return { ...config, ssl: false };
  const { sslrootcert: ca, sslcert: cert, sslkey: key } = read(files);
  const isVerified = sslMode.startsWith('verify') || ca !== undefined;
  const isNameVerified = sslMode === 'verify-full';
  return {
    ...config,
    ssl: {
      rejectUnauthorized: isVerified,
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(!isNameVerified && { checkServerIdentity: () => undefined }),
    },
  };
}

const portWords = 'whole number from 1 to 65535';

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

function read(files: Partial<Record<SslFile, string>>): Partial<Record<SslFile, string>> {
  const texts: Partial<Record<SslFile, string>> = {};
  for (const name of sslFiles) {
    const file = files[name];
    if (file === undefined) continue;
    try {
      texts[name] = readFileSync(file, 'utf8');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new DatabaseUrlError(`its ${name} cannot be read: ${reason}`, { cause: error });
    }
  }
  return texts;
}

interface Parsed extends Pick<ClientConfig, 'host' | 'port' | 'user' | 'database' | 'options'> {
  readonly password?: string;
  readonly sslMode: SslMode;
  readonly ssl: Partial<Record<SslFile, string>>;
}

function parseDatabaseUrl(text: string): Parsed {
  const url = urlOf(text);
  const given = parametersOf(url);
  const named = url.hostname === noHost ? '' : decode(url.hostname);
  const host = given.host ?? named.replace(/^\[(.*)\]$/, '$1');
  // A path is that of a socket's folder, whatever is in it.
  if (host.includes(',') && !host.startsWith('/'))
    throw new DatabaseUrlError('names several hosts: kodama takes one');
  const port = given.port ?? url.port;
  if (port !== '' && !isPort(port))
    throw new DatabaseUrlError(`has a port that is no ${portWords}`);
  const password = given.password ?? decode(url.password);
  const fields = {
    host,
    user: given.user ?? decode(url.username),
    password,
    database: decode(url.pathname.slice(1)),
  };
  const isGiven = ([, value]: [string, string]) => value !== '';
  return {
    ...Object.fromEntries(Object.entries(fields).filter(isGiven)),
    ...(port !== '' && { port: Number(port) }),
    // None at all, if it says so: then PGOPTIONS has no say.
    ...(given.options !== undefined && { options: given.options }),
    sslMode: sslModeOf(given),
    ssl: given,
  };
}

function urlOf(text: string): URL {
  // `user@/database` names no host, which URL does not take.
  const url = URL.parse(text) ?? URL.parse(text.replace('@/', `@${noHost}/`));
  if (url === null) throw new DatabaseUrlError(`is not a URL: ${encodeHint}`);
  // There a password ends up that holds a / or a # as it stands.
  if (url.hash !== '' || /[@:]/.test(url.pathname)) {
    throw new DatabaseUrlError(`has a part that does not belong there: ${encodeHint}`);
  }
  return url;
}

function parametersOf(url: URL): Partial<Record<Parameter, string>> {
  const given: Partial<Record<Parameter, string>> = {};
  for (const [name, value] of url.searchParams) {
    if (!/^\w{1,40}$/.test(name)) throw new DatabaseUrlError(`is not a URL: ${encodeHint}`);
    if (!parameters.includes(name)) {
      const hint = hints[name] ?? 'leave it out';
      throw new DatabaseUrlError(`has a parameter that kodama does not know, ${name}: ${hint}`);
    }
    given[name as Parameter] = value;
  }
  return given;
}

function sslModeOf(given: Partial<Record<Parameter, string>>): SslMode {
  const { sslmode = 'disable', sslrootcert } = given;
  if (!sslModes.includes(sslmode)) {
    throw new DatabaseUrlError(`must have an sslmode of ${sslModes.join(', ')}`);
  }
  const unused = sslFiles.find((name) => given[name] !== undefined);
  if (sslmode === 'disable' && unused !== undefined) {
    throw new DatabaseUrlError(`names ${unused}, but no sslmode that uses it: ${tlsModes}`);
  }
  if (sslmode === 'verify-ca' && sslrootcert === undefined) {
    throw new DatabaseUrlError(
      'must name an sslrootcert for sslmode=verify-ca, or say verify-full',
    );
  }
  return sslmode as SslMode;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DatabaseUrlError(`is not a URL: ${encodeHint}`);
  }
}
