/**
 * Who is let in: the limits of a listener, and of its project, that are decided before a byte is read. It keeps the books of the
 * connections that are open, by source.
 */
import type { RefusalRule } from '../core/event.ts';
import type { ListenerLimits } from '../core/listener.ts';
import { type NetworkVerdict, networkRules } from '../core/network-rules.ts';
import type { Micros } from '../core/time.ts';
import { TokenBucket } from '../core/token-bucket.ts';
import type { ProjectRoom } from './project-rooms.ts';

export class Admission {
  readonly #perSource = new Map<string, number>();
  #limits: ListenerLimits;
  #networks: (ip: string) => NetworkVerdict;
  #bucket: TokenBucket | null;
  #open = 0;
  readonly #room: ProjectRoom;

  constructor(limits: ListenerLimits, now: Micros, room: ProjectRoom) {
    this.#limits = limits;
    this.#room = room;
    this.#networks = networkRules(limits.allowCidrs, limits.denyCidrs);
    this.#bucket = limits.acceptRate === null ? null : new TokenBucket(limits.acceptRate, now);
  }

  get open(): number {
    return this.#open;
  }

  update(limits: ListenerLimits, now: Micros): void {
    const { acceptRate: before } = this.#limits;
    const { acceptRate: rate, allowCidrs, denyCidrs } = limits;
    this.#limits = limits;
    this.#networks = networkRules(allowCidrs, denyCidrs);
    // The same rate goes on where it is: a change of something else is no new burst.
    if (rate?.perSecond === before?.perSecond && rate?.burst === before?.burst) return;
    this.#bucket = rate === null ? null : new TokenBucket(rate, now);
  }

  /**
   * The rule that turns it away; null lets it in. A client whose address is not known is on no list,
   * and counts for no source.
   */
  refusal(ip: string | null, now: Micros): RefusalRule | null {
    const verdict = ip === null ? this.#unlisted : this.#networks(ip);
    if (verdict === 'denied') return 'deny_cidrs';
    if (verdict === 'not_listed') return 'allow_cidrs';
    const { maxConnections, maxConnectionsPerSource } = this.#limits;
    if (this.#open >= maxConnections) return 'max_connections';
    if (
      maxConnectionsPerSource !== null &&
      ip !== null &&
      (this.#perSource.get(ip) ?? 0) >= maxConnectionsPerSource
    ) {
      return 'max_connections_per_source';
    }
    if (this.#room.isFull) return 'project_quota';
    if (this.#bucket !== null && !this.#bucket.take(now)) return 'accept_rate';
    return this.#room.takes(now) ? null : 'project_quota';
  }

  get #unlisted(): NetworkVerdict {
    return this.#limits.allowCidrs.length > 0 ? 'not_listed' : 'allowed';
  }

  opened(ip: string): void {
    this.#open += 1;
    this.#room.opened();
    this.#perSource.set(ip, (this.#perSource.get(ip) ?? 0) + 1);
  }

  closed(ip: string): void {
    this.#open -= 1;
    this.#room.closed();
    const count = (this.#perSource.get(ip) ?? 1) - 1;
    if (count === 0) this.#perSource.delete(ip);
    else this.#perSource.set(ip, count);
  }
}
