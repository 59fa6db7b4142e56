/**
 * So many bytes at once, of all parties together. Whoever needs more than is free has it of the party that holds the most,
 * whose oldest holdings go: so a party that lets its bytes lie keeps no other out.
 */
export interface Holding extends Disposable {
  /** False where its own party would hold the most, or it had to go: then nothing is added. */
  add(bytes: number): boolean;
  /** Beyond the bound, too. */
  addAnyway(bytes: number): void;
}

interface Party {
  bytes: number;
  /** In the order in which they began: the bytes of each, and what is done when it has to go. */
  readonly holdings: Map<Holding, { bytes: number; readonly giveUp: () => void }>;
}

export class SharedBytes {
  readonly #max: number;
  readonly #parties = new Map<string, Party>();
  #bytes = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** `giveUp` is called at most once: its bytes count no more. */
  hold(name: string, giveUp: () => void): Holding {
    const party = this.#parties.get(name) ?? { bytes: 0, holdings: new Map() };
    this.#parties.set(name, party);
    const holding: Holding = {
      add: (bytes) => {
        const isHeld = party.holdings.has(holding) && this.#makeRoom(party, bytes);
        if (isHeld) this.#count(party, holding, bytes);
        return isHeld;
      },
      addAnyway: (bytes) => this.#count(party, holding, bytes),
      [Symbol.dispose]: () => {
        this.#letGo(party, holding);
        const isOver = party.holdings.size === 0 && this.#parties.get(name) === party;
        if (isOver) this.#parties.delete(name);
      },
    };
    party.holdings.set(holding, { bytes: 0, giveUp });
    return holding;
  }

  #count(party: Party, holding: Holding, bytes: number): void {
    const held = party.holdings.get(holding);
    if (held === undefined) return;
    held.bytes += bytes;
    party.bytes += bytes;
    this.#bytes += bytes;
  }

  #letGo(party: Party, holding: Holding): void {
    this.#count(party, holding, -(party.holdings.get(holding)?.bytes ?? 0));
    party.holdings.delete(holding);
  }

  #makeRoom(own: Party, bytes: number): boolean {
    while (this.#bytes + bytes > this.#max) {
      const others = [...this.#parties.values()].filter((party) => party !== own);
      const most = Math.max(...others.map((party) => party.bytes));
      if (most <= own.bytes + bytes) return false;
      const party = others.find((one) => one.bytes === most);
      const oldest = party?.holdings.entries().find(([, held]) => held.bytes > 0);
      if (party === undefined || oldest === undefined) throw new TypeError('somebody has the most');
      this.#letGo(party, oldest[0]);
      oldest[1].giveUp();
    }
    return true;
  }
}
