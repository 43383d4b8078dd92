import type { Space } from './plan-settings.js';

/** Addresses of one space in one station. Nothing that was given is ever given again by it. */
export class SpaceAllocator {
  readonly space: Space;
  /** Shared by all spaces of the domain. */
  readonly #taken: Set<number>;
  readonly #spares = new Map<string, Set<number>>();
  #tail: number;
  #count = 0;

  constructor(space: Space, taken: Set<number>) {
    this.space = space;
    this.#taken = taken;
    this.#tail = space.start;
  }

  /** Addresses that it gave or held. */
  get count(): number {
    return this.#count;
  }

  /** First address behind everything that ever was in this space. */
  get tail(): number {
    return this.#tail;
  }

  /** An address that an earlier plan gave; false if it is taken already. */
  hold(address: number, width: number): boolean {
    for (let at = address; at < address + width; at++) if (this.#taken.has(at)) return false;
    for (let at = address; at < address + width; at++) this.#taken.add(at);
    this.#count += width;
    this.#tail = Math.max(this.#tail, address + width);
    return true;
  }

  /** Makes held addresses free for later points of the device. */
  spare(asset: string, address: number, width: number): void {
    const places = this.#spares.get(asset) ?? new Set<number>();
    for (let at = address; at < address + width; at++) places.add(at);
    this.#spares.set(asset, places);
  }

  /** Lowest free place of the device's block that fits. */
  takeSpare(asset: string, width: number, isEven: boolean): number | undefined {
    const places = this.#spares.get(asset);
    if (!places) return undefined;
    for (const start of [...places].sort((a, b) => a - b)) {
      if (isEven && start % 2 !== 0) continue;
      const run = Array.from({ length: width }, (_, step) => start + step);
      if (!run.every((at) => places.has(at))) continue;
      for (const at of run) places.delete(at);
      return start;
    }
    return undefined;
  }

  takeTail(width: number, isEven: boolean): number {
    let start = this.#tail;
    for (;;) {
      if (isEven && start % 2 !== 0) start += 1;
      let conflict: number | undefined;
      for (let at = start; at < start + width; at++) if (this.#taken.has(at)) conflict = at;
      if (conflict === undefined) break;
      start = conflict + 1;
    }
    this.hold(start, width);
    return start;
  }

  /** Free places as runs. */
  spares(): { readonly asset: string; readonly address: number; readonly width: number }[] {
    return [...this.#spares].flatMap(([asset, places]) => {
      const runs: { asset: string; address: number; width: number }[] = [];
      for (const at of [...places].sort((a, b) => a - b)) {
        const last = runs.at(-1);
        if (last && last.address + last.width === at) last.width += 1;
        else runs.push({ asset, address: at, width: 1 });
      }
      return runs;
    });
  }
}
