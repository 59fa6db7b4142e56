/** docker-compose.fleet.yml, read as compose reads it: anchors and merges resolved, variables left as they stand. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const path = join(import.meta.dirname, '../../docker-compose.fleet.yml');

const service = z.object({
  image: z.string(),
  command: z.union([z.string(), z.array(z.string())]).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  healthcheck: z.record(z.string(), z.unknown()).optional(),
  stop_grace_period: z.string().optional(),
});

const names = ['postgres', 'certificate', 'replica-a', 'replica-b', 'balancer', 'join'] as const;

const schema = z.object({
  name: z.string(),
  services: z.record(z.enum([...names, 'agent-a', 'agent-b']), service),
  configs: z.object({ balancer: z.object({ content: z.string() }) }),
  volumes: z.record(z.string(), z.null()),
});

export const fleetCompose = schema.parse(parse(readFileSync(path, 'utf8'), { merge: true }));
