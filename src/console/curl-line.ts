/** A call of the API as a line for a shell. The key is not in it: it stands in the shell's own environment. */

export interface CurlCall {
  readonly method?: string;
  readonly url: string;
  readonly body?: unknown;
  /** Whether the server wants a key. */
  readonly isKeyed: boolean;
  readonly project: string | null;
}

export function curlLine({ method = 'GET', url, body, isKeyed, project }: CurlCall): string {
  return [
    'curl',
    ...(method === 'GET' ? [] : ['-X', method]),
    // In double quotes, so that the shell puts it in.
    ...(isKeyed ? ['-H', '"authorization: Bearer $KODAMA_API_TOKEN"'] : []),
    ...(project === null ? [] : ['-H', inShell(`kodama-project: ${project}`)]),
    ...(body === undefined ? [] : ['-H', inShell('content-type: application/json')]),
    ...(body === undefined ? [] : ['-d', inShell(JSON.stringify(body))]),
    inShell(url),
  ].join(' ');
}

/** Which kodama the command is to ask, and of which project: it looks at this address by itself. */
export function whereFlags(origin: string, project: string | null): string {
  const url = origin === 'http://127.0.0.1:8080' ? '' : ` --url ${inShell(origin)}`;
  return project === null ? url : `${url} --project ${inShell(project)}`;
}

/** As one word of a POSIX shell, which takes all between single quotes as it stands. */
export function inShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
