import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { activeFault, boundlessFaults } from '../../../test/support/fault-bench.ts';
import { sampleId, sampleLimits } from '../../../test/support/samples.ts';
import type { CloseReason } from '../../core/connection.ts';
import type { ListenerLimits, ListenerMode } from '../../core/listener.ts';
import type { WorkerRecord } from '../../core/record.ts';
import type { CloseMode } from '../../faults/held-items.ts';
import type { ConnectionFaults } from '../faults/listener-faults.ts';
import { workerClock } from '../worker-clock.ts';
import { StreamConnection } from './stream-connection.ts';
import type { StreamTransport, TransportOwner } from './stream-transport.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const lingerMs = 1000;

/** A transport whose kernel takes what the test lets it take. */
class FakeTransport implements StreamTransport {
  readonly owner: TransportOwner;
  readonly written: Buffer[] = [];
  readonly calls: string[] = [];
  /** How much the kernel takes before writes have to wait. */
  room = Number.POSITIVE_INFINITY;
  /** As TLS, which lets more be written while less than 64 KiB wait. */
  isPatient = false;
  isReading = false;
  isClosed = false;
  pendingBytes = 0;
  #isEnding = false;

  constructor(owner: TransportOwner) {
    this.owner = owner;
  }

  get text(): string {
    return Buffer.concat(this.written).toString();
  }

  get bytesWritten(): number {
    return this.written.reduce((sum, { length }) => sum + length, 0) - this.pendingBytes;
  }

  write(bytes: Buffer): boolean {
    if (this.isClosed || this.#isEnding) return false;
    this.written.push(Buffer.from(bytes));
    const taken = Math.min(this.room, bytes.length);
    this.room -= taken;
    this.pendingBytes += bytes.length - taken;
    return this.isPatient || this.pendingBytes === 0;
  }

  /** The kernel takes so much of what waits, or all. */
  take(bytes = this.pendingBytes): void {
    this.pendingBytes -= bytes;
    if (this.pendingBytes > 0) return;
    this.room = Number.POSITIVE_INFINITY;
    this.owner.onDrain();
    this.#finishWhenDrained();
  }

  /** The client sends it, if it is read. */
  send(text: string): void {
    if (this.isReading && !this.isClosed) this.owner.onBytes(Buffer.from(text));
  }

  sendFin(): void {
    if (!this.isReading || this.isClosed) return;
    this.isReading = false;
    this.owner.onEnd();
  }

  fail(code: string): void {
    this.owner.onError(code);
    this.destroy();
  }

  resume(): void {
    this.isReading = true;
  }

  pause(): void {
    this.isReading = false;
  }

  readSmall(): void {}

  look(): void {}

  end(): void {
    if (this.#isEnding || this.isClosed) return;
    this.calls.push('end');
    this.#isEnding = true;
    this.#finishWhenDrained();
  }

  #finishWhenDrained(): void {
    if (this.#isEnding && this.pendingBytes === 0 && !this.isClosed) {
      queueMicrotask(() => {
        if (!this.isClosed) this.owner.onFinished();
      });
    }
  }

  finish(): void {
    if (this.pendingBytes === 0 && !this.#isEnding) this.destroy();
    else this.end();
  }

  reset(): void {
    this.#close('reset');
  }

  destroy(): void {
    this.#close('destroy');
  }

  #close(how: 'reset' | 'destroy'): void {
    if (this.isClosed) return;
    this.calls.push(how);
    this.isClosed = true;
    this.owner.onClosed();
  }
}

function faultsOf(...active: ConnectionFaults['active']): ConnectionFaults {
  return { isRefused: false, acceptDelayMs: 0, active, rules: [], drawn: [] };
}

const latency = (delayMs: number) =>
  activeFault({ type: 'latency', delayMs, jitterMs: 0, distribution: 'uniform' });

interface Setting {
  readonly mode?: ListenerMode;
  readonly limits?: Partial<ListenerLimits>;
  readonly faults?: ConnectionFaults;
  readonly isStarted?: boolean;
}

function open({ mode = 'echo', limits = {}, faults = faultsOf(), isStarted = true }: Setting = {}) {
  const records: WorkerRecord[] = [];
  const clock = workerClock();
  let closed = 0;
  let moves = 0;
  const host = {
    mode,
    limits: { ...sampleLimits, ...limits },
    settings: { lingerMs },
    faultResources: boundlessFaults(1000),
    clock,
    record: (record: WorkerRecord) => void records.push(record),
    onMoved: () => {
      moves += 1;
    },
    onClosed: () => {
      closed += 1;
    },
  };
  const made: FakeTransport[] = [];
  const accepted = { id: sampleId(1), since: clock.monotonic(), ip: '127.0.0.1' };
  const connection = new StreamConnection(host, accepted, faults, (owner) => {
    const transport = new FakeTransport(owner);
    made.push(transport);
    return transport;
  });
  const [transport] = made;
  if (transport === undefined) throw new TypeError('a connection has a transport');
  if (isStarted) connection.start(null);
  return {
    connection,
    transport,
    records,
    host,
    kinds: () => records.map(({ kind }) => kind),
    moves: () => moves,
    /** Its one closed record, once it is over. */
    end() {
      const ends = records.filter(({ kind }) => kind === 'closed');
      expect([ends.length, closed]).toEqual([1, 1]);
      expect(records.at(-1)).toBe(ends[0]);
      return ends[0]?.kind === 'closed' ? ends[0].connection : null;
    },
  };
}

describe('the client ends it', () => {
  test('FIN with nothing left to send closes at once, without a half-closed step', () => {
    const { transport, kinds, end } = open();
    transport.send('abc');
    transport.sendFin();
    expect(transport.text).toBe('abc');
    expect(kinds()).toEqual(['closed']);
    expect(end()).toMatchObject({
      closeInitiator: 'peer',
      closeReason: 'peer_fin',
      bytesIn: 3,
      bytesOut: 3,
    });
  });

  test('FIN while bytes wait is told, and answered after them', async () => {
    const { transport, kinds, end } = open();
    transport.room = 1;
    transport.send('abc');
    expect(transport.isReading).toBe(false);
    transport.resume();
    transport.sendFin();
    expect(kinds()).toEqual(['half_closed']);
    transport.take(1);
    expect(kinds()).toEqual(['half_closed']);
    transport.take();
    await vi.advanceTimersByTimeAsync(0);
    expect(end()).toMatchObject({
      closeReason: 'peer_fin',
      bytesOut: 3,
      halfClosedAt: expect.any(Number),
    });
    expect(kinds()).toEqual(['half_closed', 'closed']);
  });

  test.each([
    ['ECONNRESET', 'peer', 'peer_rst'],
    ['EPIPE', 'peer', 'peer_rst'],
    ['ECONNABORTED', 'system', 'error'],
    ['ETIMEDOUT', 'system', 'error'],
    ['EHOSTUNREACH', 'system', 'error'],
  ])('%s is told as of the %s: %s', (code, initiator, reason) => {
    const { transport, end } = open();
    transport.send('abc');
    transport.fail(code);
    expect(end()).toMatchObject({
      closeInitiator: initiator,
      closeReason: reason,
      error: code,
      bytesIn: 3,
    });
  });

  test('RST behind its FIN, while bytes wait, is how it ended', () => {
    const { transport, end } = open();
    transport.room = 1;
    transport.send('abc');
    transport.resume();
    transport.sendFin();
    transport.fail('ECONNRESET');
    expect(end()).toMatchObject({ closeReason: 'peer_rst', bytesIn: 3, bytesOut: 1 });
  });

  test('what it left unsaid ends in no timer', () => {
    const limits = { idleTimeoutMs: 50, writeTimeoutMs: 50, maxDurationMs: 5000 };
    const { transport, end } = open({ limits, faults: faultsOf(latency(10)) });
    transport.send('abc');
    transport.fail('ECONNRESET');
    end();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('we end it', () => {
  const ends: readonly [CloseMode, 'server' | 'operator' | 'system', CloseReason][] = [
    ['fin', 'operator', 'operator_fin'],
    ['rst', 'operator', 'operator_rst'],
    ['fin', 'server', 'idle_timeout'],
    ['fin', 'operator', 'listener_deleted'],
    ['fin', 'system', 'shutdown'],
    ['rst', 'server', 'fault'],
    ['half_close', 'server', 'fault'],
  ];

  test.each(ends)('%s by the %s for %s: later errors only add their code', async (mode, ...who) => {
    const { connection, transport, end } = open();
    const [initiator, reason] = who;
    transport.send('abc');
    connection.close(mode, initiator, reason);
    if (!transport.isClosed) transport.fail('ECONNRESET');
    const error = mode === 'rst' ? null : 'ECONNRESET';
    expect(end()).toMatchObject({ closeInitiator: initiator, closeReason: reason, error });
    connection.close('rst', 'system', 'shutdown');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(end()).toMatchObject({ closeInitiator: initiator, closeReason: reason });
  });

  test('the client has a while to end its side, and what it still sends is dropped', async () => {
    const { connection, transport, records, end } = open();
    connection.close('fin', 'operator', 'operator_fin');
    await vi.advanceTimersByTimeAsync(lingerMs - 1);
    transport.send('too late');
    expect(transport.text).toBe('');
    expect(records).toEqual([]);
    transport.sendFin();
    expect(end()).toMatchObject({ closeReason: 'operator_fin', bytesIn: 0, error: null });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('one that never ends its side is closed after a while', async () => {
    const { connection, transport, end } = open();
    connection.close('fin', 'operator', 'operator_fin');
    await vi.advanceTimersByTimeAsync(lingerMs);
    expect(transport.calls).toEqual(['end', 'destroy']);
    expect(end()).toMatchObject({ closeReason: 'operator_fin', halfClosedAt: null });
  });

  test('one that takes what waits is waited for, and one that takes nothing is not', async () => {
    const { connection, transport, end } = open();
    transport.room = 0;
    transport.send('0123456789');
    connection.close('fin', 'operator', 'operator_fin');
    for (let taken = 0; taken < 5; taken++) {
      transport.take(1);
      await vi.advanceTimersByTimeAsync(lingerMs);
      expect(transport.isClosed).toBe(false);
    }
    await vi.advanceTimersByTimeAsync(lingerMs);
    expect(end()).toMatchObject({ bytesIn: 10, bytesOut: 5 });
  });

  test.each(['listener_deleted', 'shutdown'] as const)('%s waits for no FIN', async (reason) => {
    const { connection, end } = open();
    connection.close('fin', 'system', reason);
    await vi.advanceTimersByTimeAsync(0);
    expect(end()).toMatchObject({ closeReason: reason });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a second close cuts short a first that waits, and changes nothing of its record', async () => {
    const { connection, transport, end } = open();
    connection.close('fin', 'operator', 'operator_fin');
    connection.close('rst', 'operator', 'operator_rst');
    expect(transport.calls.at(-1)).toBe('reset');
    expect(end()).toMatchObject({ closeReason: 'operator_fin' });
  });

  test('half-closed by a fault it stays until its client or a second close ends it', async () => {
    const first = open();
    first.connection.close('half_close');
    await vi.advanceTimersByTimeAsync(lingerMs * 100);
    expect(first.transport.isClosed).toBe(false);
    first.transport.sendFin();
    expect(first.end()).toMatchObject({ closeInitiator: 'server', closeReason: 'fault' });
    const second = open();
    second.connection.close('half_close');
    await vi.advanceTimersByTimeAsync(0);
    second.connection.close('fin', 'operator', 'listener_deleted');
    expect(second.end()).toMatchObject({ closeReason: 'fault' });
  });

  test('half-closed it counts all that still comes, and a limit of time that is set then ends it', async () => {
    const { connection, transport, host, end } = open({ limits: { maxBytes: 10 } });
    connection.close('half_close');
    for (let count = 0; count < 3; count++) transport.send('0123456789');
    expect(connection.movedCounters()).toMatchObject({ connection: { bytesIn: 30 } });
    host.limits = { ...sampleLimits, idleTimeoutMs: 5000 };
    connection.updateLimits();
    await vi.advanceTimersByTimeAsync(4000);
    transport.send('x');
    await vi.advanceTimersByTimeAsync(4000);
    expect(transport.isClosed).toBe(false);
    await vi.advanceTimersByTimeAsync(1001);
    expect(end()).toMatchObject({ closeReason: 'fault', bytesIn: 31, bytesOut: 0 });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('it reads after its delay, and one that ends within it leaves no timer', async () => {
    const waiting = open({ isStarted: false });
    waiting.connection.start(null, 500);
    await vi.advanceTimersByTimeAsync(499);
    expect(waiting.transport.isReading).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(waiting.transport.isReading).toBe(true);
    const ended = open({ isStarted: false });
    ended.connection.start(null, 86_400_000);
    ended.connection.close('fin', 'operator', 'listener_deleted');
    ended.connection.start(null, 86_400_000);
    await vi.advanceTimersByTimeAsync(0);
    expect(ended.end()).toMatchObject({ closeReason: 'listener_deleted' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('before its start it can be ended, and then never starts', async () => {
    const { connection, transport, end } = open({ isStarted: false });
    connection.close('fin', 'operator', 'listener_deleted');
    await vi.advanceTimersByTimeAsync(0);
    connection.start(Buffer.from('welcome'));
    expect(transport.text).toBe('');
    expect(end()).toMatchObject({ closeReason: 'listener_deleted' });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('limits', () => {
  test('max_bytes takes exactly so many, and not one more', async () => {
    const { transport, end } = open({ limits: { maxBytes: 5 } });
    transport.send('abc');
    transport.send('defgh');
    transport.send('more');
    expect(transport.text).toBe('abcde');
    await vi.advanceTimersByTimeAsync(lingerMs);
    expect(end()).toMatchObject({ closeReason: 'max_bytes', bytesIn: 5, bytesOut: 5 });
  });

  test('what faults hold goes back before max_bytes closes', async () => {
    const { transport, end } = open({ limits: { maxBytes: 5 }, faults: faultsOf(latency(100)) });
    transport.send('abcdefgh');
    expect(transport.calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect(transport.text).toBe('abcde');
    expect(transport.calls).toEqual(['end']);
    transport.sendFin();
    expect(end()).toMatchObject({ closeInitiator: 'server', closeReason: 'max_bytes', bytesIn: 5 });
  });

  test('one at its bytes whose faults hold them for ever ends when it is closed', async () => {
    const blackhole = activeFault({ type: 'blackhole', how: 'drop' });
    const { connection, transport, end } = open({
      limits: { maxBytes: 5 },
      faults: faultsOf(blackhole),
    });
    transport.send('abcdefgh');
    await vi.advanceTimersByTimeAsync(lingerMs * 10);
    connection.close('fin', 'operator', 'listener_deleted');
    expect(end()).toMatchObject({ closeReason: 'max_bytes' });
  });

  test('a write that fails leaves no timer of a limit behind', () => {
    const { transport, end } = open({ limits: { writeTimeoutMs: 1000, idleTimeoutMs: 1000 } });
    transport.write = () => {
      transport.fail('EPIPE');
      return false;
    };
    transport.send('abc');
    expect(end()).toMatchObject({ closeReason: 'peer_rst', error: 'EPIPE' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a limit of time holds before its start', async () => {
    const { connection, transport, end } = open({
      isStarted: false,
      limits: { maxDurationMs: 1000 },
    });
    connection.start(null, 5000);
    await vi.advanceTimersByTimeAsync(1001);
    expect(transport.calls).toEqual(['end']);
    await vi.advanceTimersByTimeAsync(lingerMs);
    expect(end()).toMatchObject({ closeInitiator: 'server', closeReason: 'max_duration' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a change of limits before its start begins no time of the client’s', async () => {
    const { connection, transport, host, end } = open({ isStarted: false });
    host.limits = { ...sampleLimits, idleTimeoutMs: 1000 };
    connection.updateLimits();
    await vi.advanceTimersByTimeAsync(5000);
    expect(transport.calls).toEqual([]);
    connection.start(null);
    await vi.advanceTimersByTimeAsync(999);
    expect(transport.calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(1 + lingerMs);
    expect(end()).toMatchObject({ closeReason: 'idle_timeout' });
  });

  test('a limit that is over by the time it is set closes at once, and leaves no timer', async () => {
    const { connection, host, end } = open();
    await vi.advanceTimersByTimeAsync(500);
    host.limits = { ...sampleLimits, maxDurationMs: 100, idleTimeoutMs: 5000 };
    connection.updateLimits();
    await vi.advanceTimersByTimeAsync(lingerMs);
    expect(end()).toMatchObject({ closeInitiator: 'server', closeReason: 'max_duration' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('changes hold up no limit: neither for a client that takes nothing nor for one that is idle', async () => {
    const limits = { ...sampleLimits, writeTimeoutMs: 1000, idleTimeoutMs: 3000 };
    const blocked = open({ limits });
    const idle = open({ limits: { ...limits, idleTimeoutMs: 1000 } });
    blocked.transport.room = 0;
    blocked.transport.send('0123456789');
    for (let change = 0; change < 5; change++) {
      await vi.advanceTimersByTimeAsync(400);
      for (const { connection, host } of [blocked, idle]) {
        host.limits = { ...host.limits, maxDurationMs: 100_000 + change };
        connection.updateLimits();
      }
    }
    await vi.advanceTimersByTimeAsync(2 * lingerMs);
    expect(blocked.end()).toMatchObject({ closeReason: 'write_timeout', bytesOut: 0 });
    expect(idle.end()).toMatchObject({ closeReason: 'idle_timeout' });
  });

  test('a client that takes nothing already when the limit comes is closed', async () => {
    const { connection, transport, host, end } = open();
    transport.room = 0;
    transport.send('0123456789');
    host.limits = { ...sampleLimits, writeTimeoutMs: 400 };
    connection.updateLimits();
    await vi.advanceTimersByTimeAsync(400 + 100 + 2 * lingerMs);
    expect(end()).toMatchObject({ closeReason: 'write_timeout', bytesOut: 0 });
  });

  test('a client that takes nothing is closed, though more may be written', async () => {
    const limits = { writeTimeoutMs: 400 };
    const settings = [{ limits }, { limits, faults: faultsOf(latency(10)) }];
    for (const setting of settings) {
      const { transport, end } = open(setting);
      transport.isPatient = true;
      transport.room = 0;
      transport.send('01234');
      await vi.advanceTimersByTimeAsync(300);
      transport.take();
      await vi.advanceTimersByTimeAsync(5000);
      expect(transport.calls).toEqual([]);
      transport.room = 2;
      transport.send('56789');
      await vi.advanceTimersByTimeAsync(400 + 100 + 2 * lingerMs);
      expect(end()).toMatchObject({ closeReason: 'write_timeout', bytesOut: 7 });
    }
  });

  test('a client that takes nothing of the greeting is closed', async () => {
    const { connection, transport, end } = open({
      isStarted: false,
      limits: { writeTimeoutMs: 400 },
    });
    transport.room = 0;
    connection.start(Buffer.from('welcome'));
    await vi.advanceTimersByTimeAsync(400 + 100 + 2 * lingerMs);
    expect(end()).toMatchObject({ closeReason: 'write_timeout', bytesOut: 0 });
  });

  test('one that takes nothing of what faults held when it was at its bytes is closed', async () => {
    const limits = { maxBytes: 40_000, writeTimeoutMs: 400 };
    const slices = activeFault({
      type: 'slice',
      averageBytes: 1000,
      variationBytes: 0,
      delayMs: 0,
    });
    const { transport, end } = open({ limits, faults: faultsOf(latency(10), slices) });
    transport.room = 0;
    transport.send('a'.repeat(40_000));
    await vi.advanceTimersByTimeAsync(410 + 100 + 2 * lingerMs);
    expect(end()).toMatchObject({ closeReason: 'write_timeout', bytesIn: 40_000, bytesOut: 0 });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a client that takes nothing is closed; one that takes a little is not', async () => {
    const { transport, end } = open({ limits: { writeTimeoutMs: 400 } });
    transport.room = 0;
    transport.send('0123456789');
    for (let taken = 0; taken < 5; taken++) {
      await vi.advanceTimersByTimeAsync(300);
      transport.take(1);
    }
    expect(transport.calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(400 + 100 + 2 * lingerMs);
    expect(end()).toMatchObject({ closeReason: 'write_timeout', bytesOut: 5 });
  });
});

test('a client that does not take its bytes is not read from until it has', () => {
  const { transport } = open();
  transport.room = 2;
  transport.send('abcdef');
  expect(transport.isReading).toBe(false);
  transport.take(2);
  expect(transport.isReading).toBe(false);
  transport.take();
  expect(transport.isReading).toBe(true);
});

test('faults that come and go keep the order of the bytes', async () => {
  const { connection, transport, end } = open();
  transport.send('1');
  connection.updateFaults(faultsOf(latency(100)));
  transport.send('2');
  await vi.advanceTimersByTimeAsync(50);
  connection.updateFaults(faultsOf());
  transport.send('3');
  expect(transport.text).toBe('123');
  transport.sendFin();
  expect(end()).toMatchObject({ closeReason: 'peer_fin', bytesIn: 3, bytesOut: 3 });
});

test('discard takes all and says nothing; its FIN is answered', () => {
  const { transport, end } = open({ mode: 'discard', faults: faultsOf(latency(1)) });
  transport.send('abc');
  transport.sendFin();
  vi.advanceTimersByTime(10);
  expect(transport.text).toBe('');
  expect(end()).toMatchObject({ closeReason: 'peer_fin', bytesIn: 3, bytesOut: 0 });
});

test('counters are told when they have moved, and that they may have is said once', () => {
  const { connection, transport, moves } = open();
  expect(connection.movedCounters()).toBeNull();
  expect(moves()).toBe(0);
  transport.send('ab');
  transport.send('c');
  expect(moves()).toBe(1);
  expect(connection.movedCounters()).toMatchObject({ connection: { bytesIn: 3, bytesOut: 3 } });
  expect(connection.movedCounters()).toBeNull();
  expect(moves()).toBe(1);
});

test('while bytes wait to leave counters move with nobody saying so: each time they were asked for it is said', () => {
  const { connection, transport, moves } = open();
  transport.room = 0;
  transport.send('abc');
  expect(connection.movedCounters()).toMatchObject({ connection: { bytesIn: 3, bytesOut: 0 } });
  expect(moves()).toBe(2);
  expect(connection.movedCounters()).toBeNull();
  expect(moves()).toBe(3);
  transport.take(1);
  expect(connection.movedCounters()).toMatchObject({ connection: { bytesIn: 3, bytesOut: 1 } });
  expect(moves()).toBe(4);
  transport.take();
  expect(connection.movedCounters()).toMatchObject({ connection: { bytesIn: 3, bytesOut: 3 } });
  expect([connection.movedCounters(), moves()]).toEqual([null, 4]);
});

test('what a fault lets through later is said later', () => {
  const { connection, transport, moves } = open({ faults: faultsOf(latency(50)) });
  transport.send('abc');
  expect(connection.movedCounters()).toMatchObject({ connection: { bytesIn: 3, bytesOut: 0 } });
  expect(moves()).toBe(1);
  vi.advanceTimersByTime(50);
  expect(moves()).toBe(2);
  expect(connection.movedCounters()).toMatchObject({ connection: { bytesIn: 3, bytesOut: 3 } });
});
