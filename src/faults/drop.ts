import type { FaultDefinition } from './fault-definition.ts';
import type { EffectOf } from './fields.ts';
import { type ActiveFault, Stage } from './stage.ts';

export const drop = {
  type: 'drop',
  about: 'UDP: a datagram gets no answer.',
  on: ['datagram'],
  fields: {},
  createStage: (active, context, next) => new DropStage(active, context, next),
} as const satisfies FaultDefinition<EffectOf<'drop'>>;

class DropStage extends Stage {
  protected take(): void {}
}

const discarding: ActiveFault = {
  fault: { type: drop.type, probability: 1 },
  random: () => 0,
  sharedRate: null,
};

/** The faults of a stream that is discarded: it ends before them, so only a close still counts its bytes. */
export function behindDiscard(active: readonly ActiveFault[]): readonly ActiveFault[] {
  return active.length === 0 ? active : [discarding, ...active];
}
