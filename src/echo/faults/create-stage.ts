/** The stage that does what a fault says. */

import { faultMismatch } from '../../core/fault.ts';
import { CorruptStage, DropStage, DuplicateStage } from './alterations.ts';
import { BannerStage } from './banner.ts';
import { BlackholeStage, CloseStage, LimitStage, SlowCloseStage, StallStage } from './endings.ts';
import { LatencyStage } from './latency.ts';
import { BandwidthStage, SliceStage } from './pacing.ts';
import type { ActiveFault, Link, Stage, StageContext } from './stage.ts';

/** null for the faults that are over once a connection is let in. */
export function createStage(active: ActiveFault, context: StageContext, next: Link): Stage | null {
  const { fault } = active;
  // No list may hold one; if it did, a datagram could become many.
  if (context.kind === 'datagram' && faultMismatch(fault.type, 'udp') !== null) return null;
  switch (fault.type) {
    case 'latency':
      return new LatencyStage(active, context, next, fault);
    case 'bandwidth':
      return new BandwidthStage(active, context, next, fault);
    case 'slice':
      return new SliceStage(active, context, next, fault);
    case 'limit':
      return new LimitStage(active, context, next, fault);
    case 'close':
      return new CloseStage(active, context, next, fault);
    case 'blackhole': {
      // One socket serves all sessions of a UDP listener, so none of them can be left unread.
      const isStall = fault.how === 'stall' && context.kind === 'stream';
      return isStall
        ? new StallStage(active, context, next)
        : new BlackholeStage(active, context, next);
    }
    case 'drop':
      return new DropStage(active, context, next);
    case 'duplicate':
      return new DuplicateStage(active, context, next);
    case 'corrupt':
      return new CorruptStage(active, context, next, fault);
    case 'slow_close':
      return new SlowCloseStage(active, context, next, fault);
    case 'banner':
      return new BannerStage(active, context, next, fault);
    case 'accept_delay':
    case 'refuse':
      return null;
  }
}
