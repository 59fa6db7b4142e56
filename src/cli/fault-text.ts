import type { FaultMatch } from '../core/fault.ts';
import { formatDuration, formatSize } from './durations.ts';

/** In few words: `latency 300ms`, `limit 1kB:rst (30%)`, `refuse (first 2, from 10.0.0.0/8)`. */
export function faultText(fault: Readonly<Record<string, unknown>>): string {
  const { type, delayMs, jitterMs, bytesPerSecond, bytes, action } = fault;
  const about = whoText(fault);
  return `${type}${valueText()}${about === '' ? '' : ` (${about})`}`;

  function valueText(): string {
    if (type === 'limit') return ` ${formatSize(Number(bytes))}:${action}`;
    if (bytesPerSecond !== undefined) return ` ${formatSize(Number(bytesPerSecond))}/s`;
    if (typeof delayMs !== 'number') return '';
    // A banner has its delay beside what it is for.
    if (type === 'banner' && delayMs === 0) return '';
    const stray =
      typeof jitterMs === 'number' && jitterMs > 0 ? `±${formatDuration(jitterMs)}` : '';
    return ` ${formatDuration(delayMs)}${stray}`;
  }
}

/** Whom it is for, where that is not everybody at all times. */
function whoText({ enabled, match, probability }: Readonly<Record<string, unknown>>): string {
  const { firstN, afterN, everyNth, cidr }: FaultMatch = match ?? {};
  return [
    enabled === false && 'off',
    firstN !== undefined && `first ${firstN}`,
    afterN !== undefined && `after ${afterN}`,
    everyNth !== undefined && `1 in ${everyNth}`,
    cidr !== undefined && `from ${cidr}`,
    typeof probability === 'number' && probability < 1 && percentText(probability),
  ]
    .filter((part) => part !== false)
    .join(', ');
}

function percentText(share: number): string {
  return `${Number((share * 100).toPrecision(3))}%`;
}
