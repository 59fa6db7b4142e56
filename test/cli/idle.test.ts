/** `kodama idle`, as far as it is quick: against a box that resets what has been silent for three seconds. */
import { expect, test } from 'vitest';
import { command, jsonLines } from '../support/command.ts';
import { long } from '../support/long.ts';
import { call, want } from '../support/rest-client.ts';
import { commonApp } from '../support/test-app.ts';
import { startTcpBox } from '../support/timeout-box.ts';

const app = commonApp();

test(
  'it finds after which silence both ends are reset, and leaves its record behind and no listener',
  long,
  async () => {
    const timeoutMs = 3000;
    let made: { id: string; labels: object; expiresAt: string } | undefined;
    const toPort = async () => {
      const { listeners } = await want(200, app, 'GET', '/v1/listeners?pageSize=1000');
      const one = listeners.find(({ labels }: { labels: object }) => 'idle-run' in labels);
      made = one;
      return one.laddr.port;
    };
    await using box = await startTcpBox({ toPort, timeoutMs, ending: 'rst' });
    // Of its addresses one leads there.
    const target = `localhost:${box.port}`;
    // Far apart: on a machine that is late, too, the first lives and the second does not.
    const ladder = ['--from', '50ms', '--to', '30s', '--steps', '2', '--listen-port', '0'];
    const { code, stdout, stderr } = await command(app, ['idle', target, ...ladder, '-o', 'json']);
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(/ alive\n/) });
    const [found, ...others] = jsonLines(stdout);
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      target,
      direction: 'client',
      protocol: 'tcp',
      deadMs: 30_000,
      how: 'rst',
      control: 'alive',
      rungs: [{ client: 'alive' }, { client: 'rst', silenceMs: 30_000, closeReason: 'peer_rst' }],
    });
    // It is what was measured, and a timer may be a little early.
    expect(found.aliveMs).toBe(found.rungs[0].silenceMs);
    expect(found.aliveMs).toBeGreaterThan(40);
    expect(found.recordedMs).toBeGreaterThanOrEqual(timeoutMs - 20);
    const [, { connectionId, lastByteAt }] = found.rungs;
    expect(await want(200, app, 'GET', `/v1/connections/${connectionId}`)).toMatchObject({
      lastByteAt,
      listenerId: made?.id,
    });
    expect(Date.parse(made?.expiresAt ?? '') - Date.now()).toBeLessThanOrEqual(120_000);
    const { body } = await call(app, 'GET', `/v1/listeners/${made?.id}`);
    expect(body).toMatchObject({ state: 'closed' });
  },
);
