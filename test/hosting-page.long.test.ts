/** The proxies of docs/hosting.md as they stand, in front of a whole kodama, where they are installed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from './chaos/free-port.ts';
import { blocks } from './support/clients-page.ts';
import { testTls } from './support/edge-tls.ts';
import { grpcHealth } from './support/proxied-health.ts';
import { sharedApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';
