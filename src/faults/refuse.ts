import type { FaultDefinition } from './fault-definition.ts';
import type { EffectOf } from './fields.ts';

export const refuse = {
  type: 'refuse',
  about: 'RST at accept.',
  on: ['stream', 'datagram'],
  fields: {},
  atAccept: () => ({ isRefused: true, delayMs: 0 }),
} as const satisfies FaultDefinition<EffectOf<'refuse'>>;
