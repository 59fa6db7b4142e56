/** A search as it is told: to people in words, to programs as one object. */
import { formatElapsed } from '../durations.ts';
import { endText, silenceText } from '../resource-tables.ts';
import { type Column, factsText, tableText } from '../tables.ts';
import type { Terminal } from '../terminal.ts';
import type { Death } from './busy-control.ts';
import { type Direction, type SearchPlan, targetText } from './search-plan.ts';
import type { JoinedRung, Verdict } from './verdict.ts';

export interface Found {
  readonly plan: SearchPlan;
  readonly direction: Direction;
  readonly verdict: Verdict;
  readonly rungs: readonly JoinedRung[];
  readonly death: Death | null;
}

const meanings: Readonly<Record<Verdict['how'], string>> = {
  rst: 'RST while it was silent',
  fin: 'FIN while it was silent',
  silent: 'nothing comes through any more, and nobody is told',
  rst_on_next: 'forgotten without a word, and RST at the next packet',
  remapped: 'the mapping expired: the next datagram came from another address, as another session',
  unreachable: 'an error of the system, such as ICMP makes',
  none: 'none found',
};

export function foundJson({ plan, direction, verdict, rungs, death }: Found): object {
  const { protocol, target } = plan;
  const { aliveMs, deadMs, how, recordedMs } = verdict;
  return {
    target: targetText(target),
    direction,
    protocol,
    aliveMs,
    deadMs,
    how,
    recordedMs,
    control: death === null ? 'alive' : death.how,
    rungs: rungs.map(({ silenceMs, client, connectionId, record }) => ({
      silenceMs,
      client,
      connectionId,
      closeReason: record?.closeReason ?? null,
      lastByteAt: record?.lastByteAt ?? null,
    })),
  };
}

export function foundText(found: Found, isWide: boolean, terminal: Terminal): string {
  const { plan, direction, verdict, rungs, death } = found;
  const { aliveMs, deadMs, how, recordedMs, remarks } = verdict;
  const facts: readonly (readonly [string, string | null])[] = [
    ['target', `${targetText(plan.target)} (${plan.protocol})`],
    ['speaks', `the ${direction}`],
    ['alive after', elapsedText(aliveMs)],
    ['dead after', elapsedText(deadMs)],
    ['how', meanings[how]],
    [
      'as recorded',
      recordedMs === null ? null : `${elapsedText(recordedMs)}, at the server's end as well`,
    ],
    [
      'never silent',
      death === null ? 'alive' : `${death.how} after ${formatElapsed(death.afterMs)}`,
    ],
    ...remarks.map((remark) => ['but', remark] as const),
  ];
  const table = tableText(rungColumns(isWide), rungs, terminal);
  return `${factsText(facts, terminal)}\n${table}`;
}

function elapsedText(ms: number | null): string | null {
  return ms === null ? null : formatElapsed(ms);
}

function rungColumns(isWide: boolean): readonly Column<JoinedRung>[] {
  const columns: readonly Column<JoinedRung>[] = [
    { title: 'SILENCE', isNumber: true, cell: ({ silenceMs }) => formatElapsed(silenceMs) },
    {
      title: 'CLIENT',
      cell: ({ client }) => client,
      style: ({ client }) => (client === 'alive' ? 'green' : 'red'),
    },
    { title: 'ON RECORD', cell: ({ record }) => recordText(record) },
    {
      title: 'SILENT AT END',
      isNumber: true,
      cell: ({ client, record }) => (client === 'alive' ? null : record && silenceText(record)),
    },
  ];
  if (!isWide) return columns;
  return [...columns, { title: 'ID', cell: ({ connectionId }) => connectionId }];
}

function recordText(record: JoinedRung['record']): string | null {
  if (record === null) return null;
  return record.closeReason === null ? 'open' : endText(record);
}
