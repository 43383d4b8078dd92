import type { Diagnosis } from '@busbar/errors';

export interface HealthPart {
  readonly name: string;
  /** False: the service cannot do its work now. */
  readonly ready: boolean;
  readonly diagnosis: Diagnosis | null;
}

/** What a service says of itself. Parts register once and are asked when somebody wants to know. */
export class Health {
  readonly #parts = new Map<string, () => HealthPart>();
  #stopping = false;

  register(name: string, probe: () => Omit<HealthPart, 'name'>): void {
    this.#parts.set(name, () => ({ name, ...probe() }));
  }

  /** Readiness goes off first, so that nobody sends us more. */
  stop(): void {
    this.#stopping = true;
  }

  report(): { readonly ready: boolean; readonly stopping: boolean; readonly parts: readonly HealthPart[] } {
    const parts = [...this.#parts.values()].map((probe) => probe());
    return { ready: !this.#stopping && parts.every((part) => part.ready), stopping: this.#stopping, parts };
  }
}
