import type { Bus, TableView } from '@busbar/bus';
import { BusbarError, type Diagnosis, errorSentence } from '@busbar/errors';
import { decodeJson, diagnosisRecord, ENTITLEMENTS_KEY, type EntitlementsChanged, encodeJson } from '@busbar/events';
import {
  type Admission,
  admit,
  demandsOf,
  exceededDiagnosis,
  judgeLicense,
  LicenseClock,
  type PresentedLicense,
  timesOf,
  type VerifiedLicense,
} from '@busbar/licensing';
import type { Clock } from '@busbar/model';
import type { AppliedGeneration, ConfigurationView, Logger } from '@busbar/service-kit';
import type { LicenseFiles } from './license-files.js';
import { LicenseReader } from './license-reader.js';

/** The clock alone is published this often, and saved this often: what a kill loses of it. */
const PUBLISH_MS = 3_600_000;
const SAVE_MS = 60_000;
/** A clock that is corrected by less is not worth a word. */
const BEHIND_MS = 5 * 60_000;

export interface LicenseKeeperParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly configuration: Pick<ConfigurationView, 'current'>;
  readonly files: LicenseFiles;
  readonly changed: TableView;
  /** False: another process keeps the license. */
  readonly isOwner: () => boolean;
  readonly judged: (record: EntitlementsChanged, admission: Admission) => void;
}

/** Judges the license of the site, now and again: at each change of file, configuration or time. */
export class LicenseKeeper {
  readonly #parts: LicenseKeeperParts;
  readonly #reader: LicenseReader;
  #clock: LicenseClock | null = null;
  #last: EntitlementsChanged | null = null;
  #isPublished = false;
  #savedMs = Number.NEGATIVE_INFINITY;
  #said = '';
  #trouble: Diagnosis | null = null;
  #chain: Promise<void> = Promise.resolve();

  constructor(parts: LicenseKeeperParts) {
    this.#parts = parts;
    this.#reader = new LicenseReader(parts.files);
  }

  /** The newest judgement; null: none yet. */
  get current(): EntitlementsChanged | null {
    return this.#last;
  }

  /** What keeps the license from being judged; the last judgement goes on meanwhile. */
  get trouble(): Diagnosis | null {
    return this.#trouble;
  }

  /** One after the other; never rejects. Resolves when the judgement is published, or could not be. */
  tick(): Promise<void> {
    this.#chain = this.#chain.then(async () => {
      try {
        await this.#judge();
        this.#tell(null);
      } catch (error) {
        this.#tell(error);
      }
    });
    return this.#chain;
  }

  /** Another process kept the license meanwhile: what is known is read anew. */
  forget(): void {
    this.#clock = null;
  }

  /** Keeps the time up to now for the next start. */
  async stop(): Promise<void> {
    await this.#chain;
    if (this.#clock && this.#last && this.#parts.isOwner()) this.#save(this.#last, this.#clock.nowMs());
  }

  async #judge(): Promise<void> {
    const { configuration, changed, isOwner } = this.#parts;
    await changed.ready;
    const generation = configuration.current;
    if (!generation || !isOwner()) return;
    const clock = this.#clock ?? (await this.#restore());
    const presented = await this.#presented();
    if (presented === undefined) return;
    const kept = await this.#reader.kept(this.#last?.license?.token);
    const resets = this.#resetClock(presented, generation.configuration.site.id);
    const nowMs = clock.nowMs();
    const { record, admission } = this.#recordOf({ presented, kept, generation, nowMs, resets });
    this.#parts.judged(record, admission);
    await this.#keep(record);
  }

  /**
   * The license file as it is judged. An unreadable list of keys is no verdict on a license: nothing changes then
   * (undefined), unless nothing was ever judged.
   */
  async #presented(): Promise<PresentedLicense | undefined> {
    try {
      await this.#reader.readKeys();
    } catch (error) {
      if (this.#last || !(error instanceof BusbarError)) throw error;
      return { refusal: error.diagnosis };
    }
    return this.#reader.presented();
  }

  /** The newest of what bus and folder hold; either may be lost. */
  async #restore(): Promise<LicenseClock> {
    const { changed, clock, files, log } = this.#parts;
    const known: EntitlementsChanged[] = [];
    const value = changed.get(ENTITLEMENTS_KEY)?.value;
    for (const read of [
      async () => (value ? decodeJson('entitlements.changed.v1', value) : null),
      () => files.state(),
    ]) {
      try {
        const found = await read();
        if (found) known.push(found);
      } catch (error) {
        log.error({ err: error }, 'state of the license is not readable');
      }
    }
    const resets = Math.max(0, ...known.map(({ clockResets }) => clockResets.length));
    // What was kept before a reset of the clock does not count against it.
    const counting = known.filter(({ clockResets }) => clockResets.length === resets);
    this.#last = counting[0] ?? null;
    this.#isPublished = value !== undefined && value !== null && this.#last === known[0];
    this.#clock = new LicenseClock(clock, Math.max(0, ...counting.map(({ clockMs }) => clockMs)));
    return this.#clock;
  }

  /** Ids of the licenses that have reset the clock, with the one that does so now. */
  #resetClock(presented: PresentedLicense, site: string): string[] {
    const resets = this.#last?.clockResets ?? [];
    if (!presented || !('token' in presented)) return resets;
    const { id, issuedAt, resetsClock } = presented.license;
    if (!resetsClock || presented.license.site !== site || resets.includes(id)) return resets;
    this.#clock?.reset(Date.parse(issuedAt));
    this.#parts.log.warn({ license: id }, 'the license has reset the highest time seen');
    return [...resets, id];
  }

  #recordOf(given: {
    presented: PresentedLicense;
    kept: VerifiedLicense | null;
    generation: AppliedGeneration;
    nowMs: number;
    resets: string[];
  }): { record: EntitlementsChanged; admission: Admission } {
    const { presented, kept, generation, nowMs, resets } = given;
    const { configuration } = generation;
    const site = configuration.site.id;
    const { state, inForce, limits, diagnoses } = judgeLicense({ presented, kept, site, nowMs });
    const license = inForce && {
      id: inForce.license.id,
      holder: inForce.license.holder,
      key: inForce.key,
      ...timesOf(inForce.license),
      token: inForce.token,
    };
    const entitling = { state, limits, license };
    const admission = admit(entitling, this.#last?.admitted ?? [], demandsOf(configuration));
    const wallMs = this.#parts.clock.wallMs();
    const rest = [clockDiagnosis(nowMs - wallMs), exceededDiagnosis(entitling, admission.usage)];
    const record: EntitlementsChanged = {
      site,
      state,
      diagnoses: [...diagnoses, ...rest.filter((each) => each !== null)].map(diagnosisRecord),
      license,
      limits,
      admitted: [...admission.admitted],
      clockMs: nowMs,
      clockResets: resets,
      at: wallMs,
    };
    return { record, admission };
  }

  async #keep(record: EntitlementsChanged): Promise<void> {
    this.#say(record);
    const last = this.#last;
    const isNews = !this.#isPublished || !last || essenceOf(last) !== essenceOf(record);
    if (isNews || record.clockMs - (last?.clockMs ?? 0) >= PUBLISH_MS) {
      this.#isPublished = false;
      // Kept first: what was judged stands although the bus is away, and is published by the next tick.
      this.#last = record;
      this.#save(record, record.clockMs);
      const value = encodeJson('entitlements.changed.v1', record);
      await this.#parts.bus.publish([{ topic: 'entitlements.changed.v1', key: ENTITLEMENTS_KEY, value }]);
      this.#isPublished = true;
    } else if (this.#parts.clock.monotonicMs() - this.#savedMs >= SAVE_MS) {
      this.#save(last, record.clockMs);
    }
  }

  #save(record: EntitlementsChanged, clockMs: number): void {
    this.#savedMs = this.#parts.clock.monotonicMs();
    try {
      this.#parts.files.save({ ...record, clockMs });
    } catch (error) {
      // The bus keeps the same.
      this.#parts.log.warn({ err: error }, 'state of the license was not saved');
    }
  }

  #say(record: EntitlementsChanged): void {
    const said = essenceOf({ ...record, admitted: [] });
    if (said === this.#said) return;
    this.#said = said;
    const { state, license, diagnoses } = record;
    const fields = { state, license: license?.id ?? null, codes: diagnoses.map(({ code }) => code) };
    if (state === 'valid' || state === 'evaluation') this.#parts.log.info(fields, 'license judged');
    else this.#parts.log.warn(fields, 'license judged');
  }

  /** One line when judging fails, one when it succeeds again. */
  #tell(error: unknown): void {
    const before = this.#trouble;
    if (error === null) this.#trouble = null;
    else {
      const reason = error instanceof Error ? error.message : String(error);
      this.#trouble = error instanceof BusbarError ? error.diagnosis : { code: 'INTERNAL', params: { reason } };
    }
    if (this.#trouble?.code === before?.code) return;
    if (this.#trouble) {
      const sentence = errorSentence(this.#trouble.code, this.#trouble.params);
      this.#parts.log.error({ err: error, code: this.#trouble.code, sentence }, 'license cannot be judged');
    } else this.#parts.log.info('license can be judged again');
  }
}

/** What others act on; times that move all the while left out. */
function essenceOf({ clockMs: _clock, at: _at, ...rest }: EntitlementsChanged): string {
  return JSON.stringify(rest);
}

function clockDiagnosis(behindMs: number): Diagnosis | null {
  if (behindMs < BEHIND_MS) return null;
  return { code: 'LICENSE_CLOCK', params: { minutes: Math.round(behindMs / 60_000) } };
}
