/** What each command has: the API, the terminal, and what holds for all of them on the command line. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { usageFailure } from './failure.ts';
import { RestClient } from './rest-client.ts';
import type { Terminal } from './terminal.ts';

export const formats = ['table', 'wide', 'json'] as const;
export type Format = (typeof formats)[number];

export interface CommonOptions {
  readonly url: string;
  readonly caCert?: string;
  readonly tokenFile?: string;
  readonly project?: string;
  readonly output: Format;
}

export interface Session {
  readonly client: RestClient;
  /** The console, with the token where there is one: for the terminal of its owner, and nowhere else. */
  readonly consoleUrl: string;
  /** By which a program that is started from here finds the same things there. */
  readonly variables: { readonly KODAMA_URL: string } & Readonly<Record<string, string>>;
  readonly terminal: Terminal;
  readonly format: Format;
}

/** Does what the command says; the exit code is 0 where it gives none. */
export type Handler = (session: Session, command: Command) => Promise<number | undefined>;
/** Makes the action of a command of its handler. */
export type Run = (
  handler: Handler,
  options?: { readonly hasOwnTokenFile?: boolean },
) => (this: Command) => Promise<void>;

/** As a header takes it. */
const visible = /^[\x21-\x7e]{1,512}$/;

/** @throws CommandFailure where the options cannot be */
export function openSession(
  { url, caCert, tokenFile, project, output }: CommonOptions,
  { token, terminal }: { readonly token: string | null; readonly terminal: Terminal },
): Session {
  const base = URL.parse(url);
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw usageFailure(`KODAMA_URL or --url: ${url} is no URL such as http://127.0.0.1:8080`);
  }
  if (/[?#]/.test(base.href)) {
    throw usageFailure(`KODAMA_URL or --url: ${url} has a query or a fragment, and takes none`);
  }
  if (project !== undefined && !visible.test(project)) {
    throw usageFailure('KODAMA_PROJECT or --project: 1 to 512 visible ASCII characters');
  }
  const shown = tokenFile === undefined ? token : readFlagged('--token-file', tokenFile);
  if (shown !== null && !visible.test(shown)) {
    const place = tokenFile ?? 'KODAMA_API_TOKEN';
    throw usageFailure(`${place} holds no token: 1 to 512 visible ASCII characters`);
  }
  const ca = caCert === undefined ? null : readAuthority(caCert);
  const client = new RestClient({ url: base.href, ca, token: shown, project: project ?? null });
  return {
    client,
    consoleUrl: consoleUrl(client.url, shown, project),
    variables: {
      KODAMA_URL: client.url,
      ...(project !== undefined && { KODAMA_PROJECT: project }),
      // The program may go to another folder.
      ...(caCert !== undefined && { KODAMA_CA_CERT: resolve(caCert) }),
    },
    terminal,
    format: output,
  };
}

function consoleUrl(url: string, token: string | null, project?: string): string {
  const query = project === undefined ? '' : `?project=${encodeURIComponent(project)}`;
  const fragment = token === null ? '' : `#key=${encodeURIComponent(token)}`;
  return `${url}/${query}${fragment}`;
}

/** What Node makes of no PEM at all it would say with the first request, in OpenSSL's words. */
function readAuthority(path: string): string {
  const text = readFlagged('--ca-cert', path);
  try {
    new X509Certificate(text);
    return text;
  } catch (error) {
    throw usageFailure(`--ca-cert: ${path} holds no certificate: ${(error as Error).message}`);
  }
}

/** What the system says names the file. */
function readFlagged(flag: string, path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw usageFailure(`${flag}: ${(error as Error).message}`);
  }
}
