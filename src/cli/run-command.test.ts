import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { command } from '../../test/support/command.ts';

/** Nobody is there: whoever is asked ends with 4. */
const nobody = { url: 'http://127.0.0.1:1' };

test('a wrong value ends with 2 and names its flag, before anybody is asked', async () => {
  const wrong: readonly (readonly [words: string, flag: string])[] = [
    ['events --type foo', '--type'],
    ['events --type connection_opened --type foo', '--type'],
    ['events --protocol sctp', '--protocol'],
    ['events --raddr 10.0.0.0/33', '--raddr'],
    ['events --since 2026-02-31T00:00:00Z', '--since'],
    ['events --since 100000000d', '--since'],
    ['events --since 104000000d', '--since'],
    ['connections --before 104000000d', '--before'],
    ['audit --before 9007199254740991', '--before'],
    ['connections --raddr nat.example', '--raddr'],
    ['connections --since 2026-11-24Tnoon', '--since'],
    ['wait --raddr 10.0.0', '--raddr'],
    ['wait --at-least 3 --at-most 2', '--at-least'],
    ['audit --outcome fine', '--outcome'],
    ['audit --before 2026-11-24T25:00:00Z', '--before'],
    ['nodes --state asleep', '--state'],
    ['nodes set one --lost-after 0', '--lost-after'],
    ['keys create ci --scopes read,wirte', '--scopes'],
    ['keys create ci --scopes read --ttl 0s', '--ttl'],
    ['join-tokens create --ttl 0', '--ttl'],
    ['projects create team-a --quota lisseners=5', '--quota'],
    ['projects set team-a --bind-host 10.0.0.0/8 --bind-host all', '--bind-host'],
    ['create --host localhots', '--host'],
    ['create --host fe80::1%eth0', '--host'],
    ['create --allow 10.0.0.0/8 --allow ten', '--allow'],
    ['listen --deny 10.0.0.1/', '--deny'],
    ['listen --ttl 0', '--ttl'],
    ['create --idle 0s', '--idle'],
    ['create --max-connections 0', '--max-connections'],
    ['create --bandwidth 0', '--bandwidth'],
    ['set tour --idle 5s --port 90', '--port'],
    ['idle here:9000 --listen-host here', '--listen-host'],
    ['status --url 127.0.0.1:8080', '--url'],
    ['status --url http://127.0.0.1:1/?x', '--url'],
    ['status --url http://127.0.0.1:1/#x', '--url'],
    ['status --project=', '--project'],
  ];
  for (const [words, flag] of wrong) {
    const { code, stdout, stderr } = await command(nobody, words.split(' '));
    expect({ code, stdout }, words).toEqual({ code: 2, stdout: '' });
    expect(stderr, words).toContain(flag);
  }
});

test('what answers as no kodama does is told as that, whatever it answers', async () => {
  for (const answer of ['{"status":"ok"}', 'null', '[]']) {
    await using server = createServer((_, response) => void response.end(answer));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    const told = `kodama: ${url} answers 200, and not as a kodama does: is it one?\n`;
    for (const words of ['listeners', 'status', 'get a', 'wait a', 'create', 'projects', 'nodes']) {
      const end = await command({ url }, words.split(' '));
      expect(end, `${words} ${answer}`).toEqual({ code: 1, stdout: '', stderr: told });
    }
  }
});

test('what is right is asked for', async () => {
  for (const words of [
    'events --type connection_opened --type connection_closed --protocol tls --raddr ::1 --since 5m',
    'events --raddr 10.0.0.0/8 --raddr 127.0.0.1 --since 2026-11-24T12:00:00.5+01:00',
    'audit --outcome ok --before 1d',
    'audit --outcome permission_denied',
    'nodes --state disconnected',
    'keys create ci --scopes read,keys:write --scopes audit:read --ttl 30d',
    'projects set team-a --bind-host any --quota listeners=none',
    'create --host localhost --allow ::ffff:10.0.0.0/104 --idle 1ms --max-connections 1',
    'wait --at-most 2',
    'wait --at-least 2 --at-most 2 --timeout 0',
  ]) {
    const { code, stderr } = await command(nobody, words.split(' '));
    expect({ code, stderr }, words).toMatchObject({ code: 4 });
  }
});
