/** Many lives of all kinds, as appends: what filters are held against a plain loop over. */
import { closeReasons } from '../../src/core/connection.ts';
import { type EventDraft, refusalRules } from '../../src/core/event.ts';
import { protocols } from '../../src/core/listener.ts';
import type { Append } from '../../src/core/writer.ts';
import {
  append,
  closed,
  halfClosed,
  listenerEvent,
  opened,
  sampleConnection,
  sampleListener,
  sampleTime,
  seededRandom,
} from './store-samples.ts';

const remoteIps = ['127.0.0.2', '127.0.1.9', '10.1.2.3', '2001:db8::7', '2001:db8:1::7'];
const batchMax = 17;
/** All lives begin within it, however many there are. */
const span = 2_400_000;

export interface Population {
  readonly listenerIds: readonly string[];
  readonly appends: readonly Append[];
}

export function makePopulation(nodeId: string, lives = 240): Population {
  const random = seededRandom(7);
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  };
  const listeners = protocols.flatMap((protocol, index) =>
    [0, 1].map((twin) => {
      const port = 40_000 + index;
      const name = `${protocol}-${twin}`;
      const labels = { env: twin === 0 ? 'ci' : 'dev', protocol };
      const laddr = { ip: '127.0.0.1', port };
      return sampleListener({ protocol, nodeId, name, labels, laddr });
    }),
  );
  const events: EventDraft[] = listeners.map((one) => listenerEvent('listener_listening', one));
  /** Steps yet to come of each life, so that lives overlap. */
  const waiting: EventDraft[][] = [];
  for (let life = 0; life < lives; life += 1) {
    const listener = pick(listeners);
    const connection = sampleConnection({
      listenerId: listener.id,
      nodeId,
      protocol: listener.protocol,
      laddr: listener.laddr ?? { ip: '127.0.0.1', port: 1 },
      raddr: random() < 0.1 ? null : { ip: pick(remoteIps), port: 50_000 + life },
      declaredRaddr: random() < 0.2 ? { ip: pick(remoteIps), port: 1 } : null,
      acceptedAt: sampleTime + life * (span / lives),
      fd: 20 + life,
      pid: pick([77, 78]),
      tls: listener.protocol === 'tls' ? tlsInfo : null,
    });
    const steps = [opened(connection)];
    if (random() < 0.3) steps.push(halfClosed(connection));
    if (random() < 0.8) steps.push(closed(connection, pick(closeReasons)));
    waiting.push(steps);
    if (random() < 0.1) waiting.push([refused(listener.id, connection)]);
    while (waiting.length > 5 || (waiting.length > 0 && random() < 0.5)) step(pick(waiting));
  }
  while (waiting.length > 0) step(pick(waiting));

  function step(steps: EventDraft[]): void {
    const event = steps.shift();
    if (event !== undefined) events.push(event);
    if (steps.length === 0) waiting.splice(waiting.indexOf(steps), 1);
  }

  function refused(listenerId: string, { raddr, laddr, protocol, acceptedAt }: typeof sample) {
    const refusal = { protocol, laddr, raddr, rule: pick(refusalRules), count: 3 };
    const type = 'connection_refused';
    return { type, time: acceptedAt, listenerId, refusal } as const;
  }

  const appends: Append[] = [];
  while (events.length > 0) {
    const batch = events.splice(0, 1 + Math.floor(random() * batchMax));
    appends.push(append(appends.length + 1, batch));
  }
  return { listenerIds: listeners.map(({ id }) => id), appends };
}

const sample = sampleConnection();
const tlsInfo = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  sni: 'echo.example',
  alpn: null,
  clientFingerprint256: null,
  clientAuthorized: false,
};
