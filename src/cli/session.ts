/** What each command has: the API, the terminal, and what holds for all of them on the command line. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { usageFailure } from './failure.ts';
import { RestClient } from './rest-client.ts';
import type { Terminal } from './terminal.ts';

export const formats = ['table', 'wide', 'json'] as const;
export type Format = (typeof formats)[number];

export interface CommonOptions {
  readonly url: string;
  readonly tokenFile?: string;
  readonly project?: string;
  readonly output: Format;
}

export interface Session {
  readonly client: RestClient;
  readonly terminal: Terminal;
  readonly format: Format;
}

/** Does what the command says; the exit code is 0 where it gives none. */
export type Handler = (session: Session, command: Command) => Promise<number | undefined>;
/** Makes the action of a command of its handler. */
export type Run = (handler: Handler) => (this: Command) => Promise<void>;

/** As a header takes it. */
const visible = /^[\x21-\x7e]{1,512}$/;

/** @throws CommandFailure where the options cannot be */
export function openSession(
  { url, tokenFile, project, output }: CommonOptions,
  { token, terminal }: { readonly token: string | null; readonly terminal: Terminal },
): Session {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw usageFailure(`${url} is no URL such as http://127.0.0.1:8080`);
  }
  if (project !== undefined && !visible.test(project)) {
    throw usageFailure('the project is 1 to 512 visible ASCII characters');
  }
  const shown = tokenFile === undefined ? token : readToken(tokenFile);
  if (shown !== null && !visible.test(shown)) {
    const place = tokenFile ?? 'KODAMA_API_TOKEN';
    throw usageFailure(`${place} holds no token: 1 to 512 visible ASCII characters`);
  }
  return {
    client: new RestClient({ url, token: shown, project: project ?? null }),
    terminal,
    format: output,
  };
}

function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw usageFailure(`--token-file: ${(error as Error).message}`);
  }
}
