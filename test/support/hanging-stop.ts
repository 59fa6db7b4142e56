/** A stop that cannot end by itself. */
import { onTestFinished } from 'vitest';
import { want } from './rest-client.ts';
import type { TestProcess } from './test-app.ts';
import { waitFor } from './wait-for.ts';

function killHanging(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Its control plane has done so: its loop has stood still for too long.
  }
}

/** The worker hangs, and answers no more. */
export async function hangingStop(app: TestProcess): Promise<void> {
  const { workers } = await want(200, app, 'GET', '/v1/status');
  for (const { pid } of workers) {
    process.kill(pid, 'SIGSTOP');
    onTestFinished(() => killHanging(pid));
  }
  await want(200, app, 'GET', '/v1/status');
  app.child.kill('SIGTERM');
  await waitFor('the stop', () => app.lines.some((line) => line.includes('"msg":"stopping"')));
}
