import type { Bus, TableView } from '@busbar/bus';
import type { Diagnosis } from '@busbar/errors';
import { decodeJson, diagnosisRecord, ENTITLEMENTS_KEY, type EntitlementsChanged } from '@busbar/events';
import { type Admission, admit, demandsOf, type Entitling, EVALUATION_LIMITS, stateAt } from '@busbar/licensing';
import type { Clock } from '@busbar/model';
import type { FactoryProvider, OnApplicationShutdown } from '@nestjs/common';
import type { AppliedGeneration, ConfigurationView } from './configuration-view.js';
import type { Logger } from './log.js';
import type { ConnectionReport } from './owned-connections.js';
import { ServicePorts } from './service-ports.js';

const EVALUATION: Entitling = { state: 'evaluation', limits: EVALUATION_LIMITS, license: null };

export interface EntitlementsParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly configuration: ConfigurationView;
}

interface Decided {
  readonly record: EntitlementsChanged | null;
  readonly generation: AppliedGeneration;
  readonly state: Entitling['state'];
  readonly admission: Admission;
}

/**
 * What the license lets run, by the record of the licenser and the configuration in force. Every process works it out
 * alike, so that a licenser that is away holds nobody up; a license that ends meanwhile ends here too, by the times in the
 * record. Without any record the limits of the evaluation hold.
 */
export class Entitlements implements OnApplicationShutdown {
  /** Resolves when the record on the bus, if there is one, is known. */
  readonly ready: Promise<void>;
  readonly #parts: EntitlementsParts;
  readonly #view: TableView;
  readonly #listeners = new Set<() => void>();
  #isReady = false;
  #record: EntitlementsChanged | null = null;
  #decided: Decided | null = null;

  constructor(parts: EntitlementsParts) {
    this.#parts = parts;
    this.#view = parts.bus.table('entitlements.changed.v1');
    this.#view.onChange(({ key }) => {
      if (key === ENTITLEMENTS_KEY) this.#read();
    });
    this.ready = this.#view.ready.then(() => {
      this.#isReady = true;
      this.#read();
    });
    this.ready.catch(() => undefined);
  }

  /** The licenser's newest record; null: none yet. */
  get current(): EntitlementsChanged | null {
    return this.#record;
  }

  /** null: the connection may run; else why not. Ask again after {@link onChange} and after each generation. */
  admits(connection: string): Diagnosis | null {
    const generation = this.#parts.configuration.current;
    if (!this.#isReady || !generation) return { code: 'LICENSE_UNDECIDED', params: { connection } };
    return this.#decide(generation).admission.refused.get(connection) ?? null;
  }

  /** Called whenever an answer of {@link admits} may have changed by the license. Returns the way to end it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onApplicationShutdown(): Promise<void> {
    return this.stop();
  }

  async stop(): Promise<void> {
    this.#listeners.clear();
    await this.#view.stop();
  }

  #decide(generation: AppliedGeneration): Decided {
    const record = this.#record;
    const state = this.#state(record);
    const last = this.#decided;
    if (last?.record === record && last.generation === generation && last.state === state) return last;
    const entitling = record ? { ...record, state } : EVALUATION;
    const admission = admit(entitling, record?.admitted ?? [], demandsOf(generation.configuration));
    this.#decided = { record, generation, state, admission };
    return this.#decided;
  }

  #state(record: EntitlementsChanged | null): Entitling['state'] {
    if (!record?.license) return record?.state ?? 'evaluation';
    return stateAt(record.license, Math.max(record.clockMs, this.#parts.clock.wallMs()));
  }

  #read(): void {
    const value = this.#view.get(ENTITLEMENTS_KEY)?.value;
    try {
      this.#record = value ? decodeJson('entitlements.changed.v1', value) : null;
    } catch (error) {
      this.#parts.log.error({ err: error }, 'entitlements refused; the last ones go on');
      return;
    }
    if (!this.#isReady) return;
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (error) {
        this.#parts.log.error({ err: error }, 'entitlements listener failed');
      }
    }
  }
}

/** For the modules whose connections a license counts. */
export const ENTITLEMENTS: FactoryProvider<Entitlements> = {
  provide: Entitlements,
  inject: [ServicePorts],
  useFactory: (ports: ServicePorts) => new Entitlements(ports),
};

/** Health of a connection that the license does not let run. */
export function refusedReport(diagnosis: Diagnosis, sinceMs: number): ConnectionReport {
  return {
    state: 'stopped',
    since: sinceMs,
    diagnosis: diagnosisRecord(diagnosis),
    scanLoad: null,
    devices: [],
    sink: null,
  };
}
