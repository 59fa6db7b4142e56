/** The files that people deploy with, held to what they promise. No container engine is needed to read them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { readConfig } from '../src/config.ts';
import { testTls } from './support/edge-tls.ts';
import { long } from './support/long.ts';
import { restEdge } from './support/rest-edge.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const healthcheckSchema = z.object({ test: z.array(z.string()).min(2) });
const composeSchema = z.object({
  services: z.object({
    postgres: z.object({
      image: z.string(),
      volumes: z.array(z.string()),
      ports: z.array(z.string()).optional(),
      healthcheck: healthcheckSchema,
    }),
    kodama: z.object({
      build: z.string(),
      stop_grace_period: z.string(),
      depends_on: z.object({ postgres: z.object({ condition: z.string() }) }),
      environment: z.record(z.string(), z.string()),
      ports: z.array(z.string()),
      volumes: z.array(z.string()),
      healthcheck: healthcheckSchema,
    }),
  }),
  volumes: z.record(z.string(), z.null()),
});
const compose = composeSchema.parse(parse(read('docker-compose.yml')));
const { kodama, postgres } = compose.services;

/** The instructions of the Dockerfile, continued lines joined, comments left out. */
const instructions = read('Dockerfile')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => /^[A-Z]/.test(line))
  .map((line) => {
    const [name = '', ...words] = line.split(/\s+/);
    return { name, words };
  });
const wordsOf = (name: string): string[][] =>
  instructions.filter((each) => each.name === name).map((each) => each.words);
const copySources = wordsOf('COPY').flatMap((words) => words.slice(0, -1));

test('compose refuses to start without an API token', () => {
  expect(kodama.environment.KODAMA_API_TOKEN).toMatch(/^\$\{KODAMA_API_TOKEN:\?.+\}$/);
  expect(kodama.environment).not.toHaveProperty('KODAMA_INSECURE');
});

test('what compose wants is there at each call: no page gives it to a single one', () => {
  for (const page of ['README.md', 'docs/hosting.md', 'docs/fleet.md', 'docker-compose.yml']) {
    expect(read(page), page).not.toMatch(/KODAMA_\w+=\S.* docker compose/);
  }
  expect(read('README.md')).toContain('>> .env');
  expect(read('docs/hosting.md')).toContain('>> .env');
  expect(read('.gitignore').split('\n')).toContain('.env');
});

test('compose waits for a stop longer than kodama takes for it', () => {
  const { shutdownTimeoutMs } = readConfig({});
  expect(Number.parseInt(kodama.stop_grace_period, 10) * 1000).toBeGreaterThan(shutdownTimeoutMs);
});

test('the image opens its edges and its listeners to the ports that are published', () => {
  const variables = wordsOf('ENV').flat();
  for (const name of ['HTTP_HOST', 'GRPC_HOST', 'LISTEN_HOST']) {
    expect(variables).toContain(`KODAMA_${name}=0.0.0.0`);
  }
  expect(variables).toContain('KODAMA_LISTEN_PORTS=20000-20099');
  const exposed = ['8080', '50051', '20000-20099/tcp', '20000-20099/udp'];
  expect(wordsOf('EXPOSE').flat()).toEqual(exposed);
  const { environment, ports } = kodama;
  expect(ports).toContain(`8080:${environment.KODAMA_HTTP_PORT}`);
  expect(ports).toContain(`50051:${environment.KODAMA_GRPC_PORT}`);
});

test('compose publishes one range for TCP and UDP listeners, under the same numbers inside', () => {
  expect(kodama.ports).toContain('20000-20099:20000-20099/tcp');
  expect(kodama.ports).toContain('20000-20099:20000-20099/udp');
});

test('compose starts kodama on a PostgreSQL that answers, and publishes no port of it', () => {
  expect(kodama.depends_on.postgres.condition).toBe('service_healthy');
  expect(postgres.healthcheck.test.join(' ')).toContain('pg_isready');
  expect(kodama.environment.DATABASE_URL).toMatch(
    /^postgresql:\/\/kodama:[^@]+@postgres:5432\/kodama$/,
  );
  expect(postgres.ports).toBeUndefined();
});

test('compose keeps the database and the id of the node in named volumes', () => {
  expect(postgres.image).toBe('postgres:18');
  const mounts = [...postgres.volumes, ...kodama.volumes].map((volume) => volume.split(':'));
  expect(mounts).toEqual([
    ['postgres', '/var/lib/postgresql'],
    ['kodama', '/var/lib/kodama'],
  ]);
  expect(Object.keys(compose.volumes)).toEqual(mounts.map(([name]) => name));
  expect(wordsOf('ENV').flat()).toContain('KODAMA_DATA_DIR=/var/lib/kodama');
});

const health = wordsOf('HEALTHCHECK')[0]?.join(' ') ?? '';
const command = z.array(z.string()).parse(JSON.parse(health.slice(health.indexOf('CMD ') + 4)));

test(
  'the health checks see a kodama that is well, and one that is gone, over TLS too',
  long,
  async () => {
    const scripts = [command[2] ?? '', kodama.healthcheck.test[3] ?? ''];
    const { tls } = await testTls();
    for (const [variables, options] of [
      [{}, {}],
      [{ KODAMA_TLS_CERT: '/tls.crt' }, { tls }],
    ] as const) {
      const edge = await restEdge(options);
      const env = { ...variables, PATH: process.env.PATH, KODAMA_HTTP_PORT: String(edge.port) };
      const codes = async () => {
        const ran = scripts.map((script) =>
          once(
            spawn(process.execPath, ['--eval', script.replace('8080', String(edge.port))], { env }),
            'exit',
          ),
        );
        return (await Promise.all(ran)).map(([code]) => code);
      };
      expect(await codes()).toEqual([0, 0]);
      await edge[Symbol.asyncDispose]();
      expect(await codes()).toEqual([1, 1]);
    }
  },
);

test('the health checks of image and compose run on the Node of the image', () => {
  expect(command.slice(0, 2)).toEqual(['node', '--eval']);
  expect(command[2]).toContain('/healthz');
  expect(kodama.healthcheck.test.slice(0, 3)).toEqual(['CMD', 'node', '--eval']);
  expect(kodama.healthcheck.test[3]).toContain('/readyz');
});

test('the image is built of files that exist and that the build context holds', () => {
  expect(copySources).toContain('src');
  const ignored = read('.dockerignore').split('\n');
  expect(ignored).toContain('*');
  for (const source of copySources) {
    expect(existsSync(join(root, source)), `COPY ${source}: no such file`).toBe(true);
    const top = source.replace(/^\.\//, '').split('/')[0];
    expect(ignored, `COPY ${source}: .dockerignore leaves it out`).toContain(`!${top}`);
  }
});

test('the image alone is enough: it brings PostgreSQL, and starts nothing without a token', () => {
  expect(wordsOf('RUN').flat()).not.toContain('--omit=optional');
  expect(wordsOf('ENV').flat().join(' ')).not.toMatch(/KODAMA_(INSECURE|API_TOKEN)/);
});

test('the image runs the program that npm start runs, and not as root', () => {
  const command = z.array(z.string()).parse(JSON.parse(wordsOf('CMD')[0]?.join(' ') ?? ''));
  const manifest = z.object({ scripts: z.object({ start: z.string() }) });
  const { start } = manifest.parse(JSON.parse(read('package.json'))).scripts;
  // npm starts it by a shell, which is to give its place, and its signals, to it.
  expect(`exec ${command.join(' ')}`).toBe(start);
  expect(existsSync(join(root, command[1] ?? '')), `CMD ${command[1]}: no such file`).toBe(true);
  const order = instructions.map((each) => each.name);
  expect(wordsOf('USER')).toEqual([['node']]);
  expect(order.indexOf('USER')).toBeLessThan(order.indexOf('CMD'));
  expect(wordsOf('FROM')[0]?.[0]).toMatch(/^node:24-/);
});
