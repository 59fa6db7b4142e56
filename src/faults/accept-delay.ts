import type { FaultDefinition } from './fault-definition.ts';
import { type EffectOf, type Fields, milliseconds } from './fields.ts';

const fields = {
  delayMs: { ...milliseconds, about: 'Milliseconds.' },
} as const satisfies Fields;

export const acceptDelay = {
  type: 'accept_delay',
  about: 'Waits after the accept, before the first read.',
  on: ['stream'],
  fields,
  atAccept: ({ delayMs }) => ({ isRefused: false, delayMs }),
} as const satisfies FaultDefinition<EffectOf<'accept_delay', typeof fields>>;
