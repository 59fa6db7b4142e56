/** Writes all connections that match to a file, a JSON object a line, page by page as the API gives them. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ConnectionView } from '../http/resources.ts';
import { type Api, CallFailure } from './api.ts';
import { type ConnectionFilter, filterOf } from './connection-filter.ts';
import { useConsole } from './console-context.ts';

interface ConnectionPage {
  readonly connections: readonly ConnectionView[];
  readonly nextPageToken?: string;
}

const pageSize = 1000;
/** About 70 MB, which a browser holds until they are saved. */
const linesMax = 100_000;

export function ExportButton() {
  const { api, router, words } = useConsole();
  const { connections } = words;
  const [count, setCount] = useState<number | null>(null);
  const [said, setSaid] = useState('');
  const end = useRef<AbortController | null>(null);
  useEffect(() => () => end.current?.abort(), []);
  const save = async () => {
    end.current = new AbortController();
    const { signal } = end.current;
    setCount(0);
    setSaid('');
    try {
      const { parts, lines, isCut } = await read(api, filterOf(router.query.value), {
        signal,
        onCount: setCount,
      });
      download('connections.ndjson', new Blob(parts, { type: 'application/x-ndjson' }));
      setSaid(isCut ? connections.exportCut(lines) : connections.exported(lines));
    } catch (error) {
      if (!signal.aborted && !(error instanceof CallFailure)) throw error;
      if (error instanceof CallFailure) setSaid(error.problem.detail);
    } finally {
      setCount(null);
    }
  };
  return (
    <>
      <button type="button" onClick={count === null ? save : () => end.current?.abort()}>
        {count === null ? connections.export : connections.exporting(count)}
      </button>
      <span role="status" class="soft">
        {said}
      </span>
    </>
  );
}

interface ReadOptions {
  readonly signal: AbortSignal;
  readonly onCount: (lines: number) => void;
}

async function read(api: Api, filter: ConnectionFilter, { signal, onCount }: ReadOptions) {
  const parts: string[] = [];
  let lines = 0;
  let pageToken: string | undefined;
  do {
    const query = { ...filter, pageSize, pageToken };
    const page: ConnectionPage = await api.get('/v1/connections', query, signal);
    parts.push(...page.connections.map((one) => `${JSON.stringify(one)}\n`));
    lines += page.connections.length;
    onCount(lines);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined && lines < linesMax);
  return { parts, lines, isCut: pageToken !== undefined };
}

/** The browser has read the blob once it has begun to save it. */
const savedMs = 60_000;

function download(name: string, blob: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), savedMs);
}
