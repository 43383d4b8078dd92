import type { AppliedGeneration } from '@busbar/service-kit';

/** Generations remembered: a grant lives seconds, publications are further apart. */
const KEPT = 4;

/** Which point table each device had in the newest generations: tag numbers of a grant mean the table of its generation. */
export class DeviceTables {
  /** Oldest first. */
  readonly #known: { readonly number: number; readonly tables: ReadonlyMap<string, string> }[] = [];
  /** Generation with which the devices run. */
  #applied = 0;

  /** A generation that will be applied. */
  add({ number, configuration }: AppliedGeneration): void {
    const tables = new Map<string, string>();
    for (const connection of configuration.connections) {
      if (connection.kind !== 'access') continue;
      for (const device of connection.devices) tables.set(device.id, device.table);
    }
    this.#known.push({ number, tables });
    if (this.#known.length > KEPT) this.#known.shift();
  }

  applied(number: number): void {
    this.#applied = number;
  }

  /** True if the device has one and the same table in this generation, in the one that runs, in the newest and between. */
  isUnchanged(device: string, generation: number): boolean {
    const indexOf = (wanted: number) => this.#known.findLastIndex(({ number }) => number === wanted);
    const from = Math.min(indexOf(generation), indexOf(this.#applied));
    const table = this.#known[from]?.tables.get(device);
    return table !== undefined && this.#known.slice(from).every(({ tables }) => tables.get(device) === table);
  }
}
