import pino from 'pino';
import { expect, test } from 'vitest';
import { logText } from './log-text.ts';

/** What a logger at `debug` says, as text, without the time. */
function textOf(say: (logger: pino.Logger) => void): string {
  let text = '';
  const write = (line: string) => {
    text += logText(line, false);
  };
  say(pino({ level: 'debug', base: { name: 'kodama' } }, { write }));
  return text.replaceAll(/^\d{2}:\d{2}:\d{2}\.\d{3} /gm, '');
}

test('who it is about comes first, then what is said, then the fields', () => {
  const who = { listener: 'tour', connectionId: 'c', raddr: '127.0.0.1:5000' };
  expect(textOf((logger) => logger.info({ ...who, bytesIn: 6 }, 'disconnected'))).toBe(
    'tour: 127.0.0.1:5000 disconnected bytesIn=6\n',
  );
});

test('what is more or less than news is marked, and has its ids', () => {
  const text = textOf((logger) => {
    logger.debug({ route: '/v1/status' }, 'request');
    logger.warn({ listenerId: 'l' }, 'odd');
    logger.fatal({}, 'over');
  });
  expect(text).toBe('DEBUG request route=/v1/status\nWARN odd listenerId=l\nFATAL over\n');
});

test('a line is one line, whatever stands in it', () => {
  const odd = 'a\nb\u001b[2J\u0085\u009b\u202e\u2028"=\ud800';
  const text = textOf((logger) => logger.info({ listener: odd, odd, list: [odd] }, odd));
  expect(text.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  expect(text).toMatch(/^a\\u\{a\}b\\u\{1b\}\[2J\\u\{85\}/);
  expect(text).toContain(String.raw`odd="a\nb\u001b[2J\u{85}`);
});

test('values that need it are quoted', () => {
  const values = { a: 'two words', b: '', c: null, d: { e: [1, true] }, f: undefined };
  expect(textOf((logger) => logger.info(values, 'x'))).toBe(
    'x a="two words" b="" c=null d={"e":[1,true]}\n',
  );
});

test('a failure has its stack below, its causes, and what else it tells', () => {
  const err = new Error('outer\u001b', { cause: new RangeError('inner') });
  const text = textOf((logger) => logger.error({ err: Object.assign(err, { code: 'E' }) }, 'bad'));
  const lines = text.split('\n');
  expect(lines[0]).toBe('ERROR bad');
  expect(lines[1]).toBe(String.raw`    Error: outer\u{1b}`);
  expect(text).toContain('RangeError: inner');
  expect(text).toContain('    {"code":"E"}\n');
  expect(textOf((logger) => logger.error({ err: 'no error' }, 'bad'))).toBe(
    'ERROR bad err="no error"\n',
  );
});

test('colours mark the time and what is wrong', () => {
  const line = JSON.stringify({ level: 40, time: 0, name: 'kodama', msg: 'odd' });
  expect(logText(line, true)).toContain('\u001b[31mWARN\u001b[39m odd');
});
