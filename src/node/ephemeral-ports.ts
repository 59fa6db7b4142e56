/** The ports that the system gives to whoever asks for any, outgoing connections too (ip(7), ip_local_port_range). */
import { readFile } from 'node:fs/promises';

const file = '/proc/sys/net/ipv4/ip_local_port_range';

interface Range {
  readonly from: number;
  readonly to: number;
}

/** What to warn of, where ports that listeners are drawn from may be taken by anybody; null: of nothing. */
export async function overlapWarning(range: Range, path = file): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    // Other systems have no such file.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  });
  const [from = 0, to = 0] = text.trim().split(/\s+/).map(Number);
  if (text === '' || range.to < from || range.from > to) return null;
  return (
    `KODAMA_LISTEN_PORTS ${range.from}-${range.to} overlaps the ports that the system gives to anybody, ` +
    `${from}-${to} (${path}): some may be taken`
  );
}
