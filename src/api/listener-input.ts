/**
 * The schemas of what a caller gives to make or change a listener. Both edges read their input with them,
 * REST from JSON and gRPC from messages laid out alike, so that both refuse the same things in the same words.
 */
import { z } from 'zod';
import { invalidField } from '../core/errors.ts';
import { type Fault, faultMismatch } from '../core/fault.ts';
import {
  type ListenerPatch,
  listenerModes,
  mergeLimits,
  type NewListener,
  protocols,
} from '../core/listener.ts';
import { assertSpecFits, type ListenerBounds } from '../core/listener-bounds.ts';
import { specBytes } from '../core/sizes.ts';
import type { Micros } from '../core/time.ts';
import { expiryOf, oneExpiry, ttlMs } from './expiry.ts';
import { faultList } from './fault-input.ts';
import { changedLimits, defaultLimits, limitsPatch, newLimits } from './limits-input.ts';
import { list } from './list.ts';
import {
  cidr,
  host,
  isWhole,
  labels,
  name,
  nodeIdOrName,
  port,
  time,
  wholeNumber,
} from './values.ts';

const pemBytesMax = 65_536;
const ttlMsMax = 365 * 86_400_000;

const pem = z
  .string()
  .max(pemBytesMax)
  .regex(/-----BEGIN [A-Z ]+-----/, { error: 'must be PEM' })
  // Text of any language may stand around the blocks (RFC 7468, 2 and 5.2), as openssl prints it.
  .refine((text) => isWhole(text) && !/[^\P{Cc}\t\n\r]/u.test(text), {
    error: 'holds control characters',
  });

const tlsInput = z
  .strictObject({
    cert: pem.optional().describe('PEM, leaf first. Without it a self-signed certificate is made.'),
    key: pem.optional().describe('PEM. Never shown again.'),
    clientAuth: z
      .enum(['none', 'request', 'require'])
      .default('none')
      .describe('Whether clients are asked for a certificate, and turned away without a good one.'),
    ca: pem
      .optional()
      .describe('PEM of the authorities that client certificates are checked against.'),
    minVersion: z
      .enum(['TLSv1.2', 'TLSv1.3'])
      .default('TLSv1.2')
      .describe('The oldest version that is spoken.'),
  })
  .superRefine((tls, context) => {
    if ((tls.cert === undefined) !== (tls.key === undefined)) {
      context.addIssue({
        code: 'custom',
        path: [tls.cert === undefined ? 'cert' : 'key'],
        message: 'cert and key are given together or not at all',
      });
    }
    if (tls.clientAuth === 'require' && tls.ca === undefined) {
      context.addIssue({ code: 'custom', path: ['ca'], message: 'clientAuth require needs a ca' });
    }
  });

function proxyProtocolInput(bounds: ListenerBounds) {
  return z.strictObject({
    mode: z
      .enum(['off', 'optional', 'required'])
      .default('off')
      .describe('Whether a PROXY header (v1 or v2) may or must come first.'),
    trustedCidrs: list(cidr, bounds.cidrsMax)
      .default([])
      .describe('Networks that may send the header; none named: every peer may.'),
  });
}

const nodeLost = ['stay', 'move'] as const;

function placementInput(bounds: ListenerBounds) {
  return z
    .strictObject({
      node: nodeIdOrName.optional().describe('On this node, by its name or id.'),
      selector: labels(bounds.labelsMax)
        .optional()
        .describe('On a node that carries all of these labels.'),
      onNodeLost: z
        .enum(nodeLost)
        .default('stay')
        .refine((word): word is 'stay' => word === 'stay', { error: 'move is not supported yet' })
        .describe('stay: it is failed while its node is lost. move is not supported yet.'),
    })
    .superRefine(({ node, selector = {} }, context) => {
      const refuse = (path: string[], message: string) =>
        context.addIssue({ code: 'custom', path, message });
      const isSelected = Object.keys(selector).length > 0;
      if (node === undefined && !isSelected) refuse([], 'wants a node, or a selector of labels');
      if (node !== undefined && isSelected) refuse(['selector'], 'give node or selector, not both');
    });
}

function specFields(bounds: ListenerBounds) {
  return {
    labels: labels(bounds.labelsMax).default({}).describe('To find it by; they mean nothing here.'),
    protocol: z.enum(protocols).default('tcp').describe('What it speaks; it never changes.'),
    host: host
      .optional()
      .describe('The address to bind; :: is dual stack. Absent: KODAMA_LISTEN_HOST of its node.'),
    mode: z
      .enum(listenerModes)
      .default('echo')
      .describe(
        'echo: bytes come back. discard: they do not. info: first one JSON line that tells the client ' +
          'its connection, then echo; over udp it answers the first datagram, if that is as long.',
      ),
    limits: newLimits(bounds).default({}).describe('What is absent has its default.'),
    faults: faultList(bounds.faultsMax)
      .default([])
      .describe('What it adds to the echo on purpose, in this order.'),
    tls: tlsInput.optional().describe('For protocol tls; without it all defaults.'),
    proxyProtocol: proxyProtocolInput(bounds)
      .default({ mode: 'off', trustedCidrs: [] })
      .describe('Behind a load balancer: who the client is.'),
    recording: z
      .enum(['batched', 'durable'])
      .default('batched')
      .describe('durable: no byte is echoed before the opened event is committed.'),
    placement: placementInput(bounds)
      .nullable()
      .default(null)
      .describe('Where it is to be; null: wherever. It never changes.'),
    expiresAt: time.nullable().default(null).describe('The listener is closed at this time.'),
    ttlMs: ttlMs(ttlMsMax).optional(),
  };
}

interface SpecInput {
  readonly protocol: 'tcp' | 'udp' | 'tls';
  readonly tls?: unknown;
  readonly proxyProtocol: { readonly mode: string };
  readonly faults: readonly Pick<Fault, 'type'>[];
  readonly expiresAt?: unknown;
  readonly ttlMs?: unknown;
}

/** What no single field shows: fields that contradict each other. */
function agreement<Input extends SpecInput>(input: Input, context: z.RefinementCtx<Input>): void {
  oneExpiry(input, context);
  const refuse = (path: PropertyKey[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  if (input.tls !== undefined && input.protocol !== 'tls') {
    refuse(['tls'], 'is for protocol tls only');
  }
  if (input.protocol === 'udp' && input.proxyProtocol.mode !== 'off') {
    refuse(['proxyProtocol'], 'is for tcp and tls only');
  }
  input.faults.forEach((fault, index) => {
    const mismatch = faultMismatch(fault, input.protocol);
    if (mismatch !== null) refuse(['faults', index, 'type'], mismatch);
  });
}

export function listenerSchemas(bounds: ListenerBounds) {
  const spec = specFields(bounds);
  const single = {
    name: name.nullable().default(null).describe('Unique; it can stand for the id.'),
    port: port.default(0).describe('0 is any free one, of KODAMA_LISTEN_PORTS where that is set.'),
  };
  const newListener = z.strictObject({ ...single, ...spec }).superRefine(agreement);
  const patch = z
    .strictObject({
      name: name.nullable().optional().describe('null takes the name away.'),
      labels: labels(bounds.labelsMax)
        .nullable()
        .optional()
        .describe('Replaced whole; null takes all away.'),
      limits: limitsPatch(bounds)
        .nullable()
        .optional()
        .describe('What is absent stays; null takes all away.'),
      faults: faultList(bounds.faultsMax)
        .nullable()
        .optional()
        .describe('Replaced whole, null takes all away; connections that live have them at once.'),
      expiresAt: time.nullable().optional().describe('null: it does not expire.'),
      ttlMs: ttlMs(ttlMsMax)
        .nullable()
        .optional()
        .describe('Milliseconds from now, instead of expiresAt; null: it does not expire.'),
    })
    .superRefine(oneExpiry);
  const range = z
    .strictObject({
      from: wholeNumber(1, 65_535).describe('The first port.'),
      to: wholeNumber(1, 65_535).describe('The last port.'),
    })
    .refine(({ from, to }) => from <= to, { error: 'from must not be above to', path: ['from'] })
    .refine(({ from, to }) => to - from < bounds.batchMax, {
      error: `holds at most ${bounds.batchMax} ports`,
    });
  const batch = z.union([
    z.strictObject({
      listeners: list(newListener, bounds.batchMax).min(1).describe('Each with a spec of its own.'),
    }),
    z
      .strictObject({ ports: range.describe('One listener for each port.'), ...spec })
      .superRefine(agreement),
  ]);
  const fixed = Object.keys(newListener.shape).filter((field) => !(field in patch.shape));
  return { newListener, patch, batch, fixed };
}

export type ListenerSchemas = ReturnType<typeof listenerSchemas>;
export type NewListenerInput = z.output<ListenerSchemas['newListener']>;
export type ListenerPatchInput = z.output<ListenerSchemas['patch']>;
export type BatchInput = z.output<ListenerSchemas['batch']>;

export function toNewListener(
  input: NewListenerInput,
  bounds: ListenerBounds,
  now: Micros,
  place = '',
): NewListener {
  const { ttlMs: _, limits, tls, host: address, ...rest } = input;
  const made: NewListener = {
    ...rest,
    host: address === 'localhost' ? '127.0.0.1' : (address ?? null),
    expiresAt: expiryOf(input, now, place),
    tls:
      input.protocol === 'tls'
        ? {
            cert: tls?.cert ?? null,
            key: tls?.key ?? null,
            ca: tls?.ca ?? null,
            clientAuth: tls?.clientAuth ?? 'none',
            minVersion: tls?.minVersion ?? 'TLSv1.2',
          }
        : null,
    limits: mergeLimits(defaultLimits(bounds), limits),
  };
  assertSpecFits(made, bounds.specBytesMax, { place });
  return made;
}

/** A field that is absent stays as it is, one that is null is as if it had never been given; `ttlMs` counts from now. */
export function toListenerPatch(
  input: ListenerPatchInput,
  bounds: ListenerBounds,
  now: Micros,
): ListenerPatch {
  const { name: called, labels: marks, limits, faults, ttlMs: ttl, expiresAt } = input;
  return {
    ...(called !== undefined && { name: called }),
    ...(marks !== undefined && { labels: marks ?? {} }),
    ...(limits !== undefined && { limits: changedLimits(limits, bounds) }),
    ...(faults !== undefined && { faults: faults ?? [] }),
    ...((ttl !== undefined || expiresAt !== undefined) && { expiresAt: expiryOf(input, now) }),
  };
}

/** The listeners of a batch: those listed, or one for each port of the range. */
export function toBatch(
  input: BatchInput,
  bounds: ListenerBounds,
  now: Micros,
): readonly NewListener[] {
  if ('listeners' in input) {
    const listed = input.listeners.map((listener, index) =>
      toNewListener(listener, bounds, now, `listeners[${index}].`),
    );
    const bytes = listed.reduce((sum, listener) => sum + specBytes(listener), 0);
    assertBatchFits('listeners', bytes, bounds);
    return listed;
  }
  const { ports, ...spec } = input;
  const first = toNewListener({ ...spec, name: null, port: ports.from }, bounds, now);
  const count = ports.to - ports.from + 1;
  assertBatchFits('ports', count * specBytes(first), bounds);
  return Array.from({ length: count }, (_, index) => ({ ...first, port: ports.from + index }));
}

function assertBatchFits(path: string, bytes: number, { batchBytesMax }: ListenerBounds): void {
  if (bytes <= batchBytesMax) return;
  const message = `the specs are ${bytes} bytes in sum, which may be at most ${batchBytesMax}`;
  throw invalidField(path, message);
}
