/** Recording durable: a kill, again and again, at the moment when a client has its first byte back. */
import { test } from 'vitest';
import { killControlPlanes, killWorkers } from '../support/kills-at-echo.ts';

const kills = 6;

test('kill -9 of the control plane at the first echo: every echo is on record', () =>
  killControlPlanes(kills));

test('kill -9 of the worker at the first echo: every echo is on record', () => killWorkers(kills));
