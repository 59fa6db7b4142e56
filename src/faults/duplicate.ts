import type { FaultDefinition } from './fault-definition.ts';
import type { EffectOf } from './fields.ts';
import { Stage } from './stage.ts';

export const duplicate = {
  type: 'duplicate',
  about: 'UDP: a datagram is answered twice.',
  on: ['datagram'],
  fields: {},
  createStage: (active, context, next) => new DuplicateStage(active, context, next),
  isDoubling: true,
} as const satisfies FaultDefinition<EffectOf<'duplicate'>>;

class DuplicateStage extends Stage {
  protected take(bytes: Buffer): void {
    // Neither owns the bytes: who changed one in place would change the other.
    this.next.enter(bytes, false);
    this.next.enter(bytes, false);
  }
}
