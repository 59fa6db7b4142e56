/** What the dialog for a new listener asks the API for: what was left empty is not in it, and has its default. */
import { type FaultValue, fieldValue } from './fault-draft.ts';

export const emptyForm = {
  protocol: 'tcp',
  port: '',
  name: '',
  mode: 'echo',
  ttlMs: '',
  node: '',
  host: '',
  proxy: 'off',
  recording: 'batched',
  maxConnections: '',
  idleTimeoutMs: '',
  cert: '',
  key: '',
};
export type ListenerForm = Readonly<Record<keyof typeof emptyForm, string>>;

export type ListenerBody = Readonly<Record<string, unknown>>;

export function listenerBody(form: ListenerForm, faults: readonly FaultValue[] = []): ListenerBody {
  const { protocol, name, mode, node, host, proxy, recording, cert, key } = form;
  const limits = given({
    maxConnections: fieldValue(form.maxConnections),
    idleTimeoutMs: fieldValue(form.idleTimeoutMs),
  });
  const tls = protocol === 'tls' ? given({ cert, key }) : {};
  return given({
    name: name.trim(),
    protocol: protocol === emptyForm.protocol ? '' : protocol,
    host: host.trim(),
    port: fieldValue(form.port.trim()),
    mode: mode === emptyForm.mode ? '' : mode,
    ttlMs: fieldValue(form.ttlMs),
    placement: node === '' ? '' : { node },
    limits: Object.keys(limits).length > 0 ? limits : '',
    tls: Object.keys(tls).length > 0 ? tls : '',
    proxyProtocol: proxy === emptyForm.proxy ? '' : { mode: proxy },
    recording: recording === emptyForm.recording ? '' : recording,
    faults: faults.length > 0 ? faults : '',
  });
}

function given(fields: ListenerBody): ListenerBody {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}

/** A file for `kodama apply`: what listens by it has no end of its own. JSON within YAML is YAML (YAML 1.2, 1.2). */
export function listenerYaml({ ttlMs: _, ...body }: ListenerBody): string {
  const lines = Object.entries(body).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `listeners:\n  - ${lines.join('\n    ')}\n`;
}

/** For an Idempotency-Key: 128 random bits, which a page has without TLS, too. */
export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
