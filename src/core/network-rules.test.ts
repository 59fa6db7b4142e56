import { expect, test } from 'vitest';
import { networkRules } from './network-rules.ts';

test('without networks everyone is allowed', () => {
  expect(networkRules([], [])('192.0.2.1')).toBe('allowed');
});

test('the longest network that matches decides, whichever list it stands in', () => {
  const verdict = networkRules(['10.1.0.0/16', '10.1.2.3'], ['10.0.0.0/8', '10.1.2.0/24']);
  expect(verdict('10.9.9.9')).toBe('denied');
  expect(verdict('10.1.9.9')).toBe('allowed');
  expect(verdict('10.1.2.9')).toBe('denied');
  expect(verdict('10.1.2.3')).toBe('allowed');
});

test('where networks are allowed by name, others are not listed; else they are allowed', () => {
  expect(networkRules(['10.0.0.0/8'], [])('11.0.0.1')).toBe('not_listed');
  expect(networkRules([], ['10.0.0.0/8'])('11.0.0.1')).toBe('allowed');
});

test('a network in both lists is denied', () => {
  expect(networkRules(['10.0.0.0/8'], ['10.0.0.0/8'])('10.0.0.1')).toBe('denied');
});

test('families stay apart, and a mapped address counts as IPv4', () => {
  const verdict = networkRules(['::/0'], ['127.0.0.0/8']);
  expect(verdict('2001:db8::1')).toBe('allowed');
  expect(verdict('192.0.2.1')).toBe('not_listed');
  expect(verdict('::ffff:127.0.0.1')).toBe('denied');
});
