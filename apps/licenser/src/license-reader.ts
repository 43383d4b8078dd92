import { BusbarError, type Diagnosis } from '@busbar/errors';
import {
  BUILT_IN_KEYS,
  NO_KEYS,
  type PresentedLicense,
  parseTrustList,
  type TrustList,
  tokenOf,
  trustListOf,
  type VerifiedLicense,
  verifyLicense,
} from '@busbar/licensing';
import type { LicenseFiles } from './license-files.js';

/** Files to verified licenses; what was verified once is not verified again until a file changes. */
export class LicenseReader {
  readonly #files: LicenseFiles;
  #keysText: string | null = null;
  #trust: TrustList | null = null;
  readonly #verified = new Map<string, VerifiedLicense | Diagnosis>();

  constructor(files: LicenseFiles) {
    this.#files = files;
  }

  /** Reads the list of keys anew. Throws LICENSE_FILE or LICENSE_KEYS. */
  async readKeys(): Promise<void> {
    const text = BUILT_IN_KEYS.length > 0 ? null : await this.#files.keys();
    if (this.#trust && text === this.#keysText) return;
    this.#trust = null;
    this.#verified.clear();
    if (BUILT_IN_KEYS.length > 0) this.#trust = await trustListOf(BUILT_IN_KEYS);
    else this.#trust = text === null ? NO_KEYS : await parseTrustList(text);
    this.#keysText = text;
  }

  /** What lies in the license file; never throws for what somebody may have put there. */
  async presented(): Promise<PresentedLicense> {
    let text: string | null;
    try {
      text = await this.#files.license();
    } catch (error) {
      if (error instanceof BusbarError) return { refusal: error.diagnosis };
      throw error;
    }
    if (text === null) return null;
    const verified = await this.#verify(tokenOf(text));
    return 'token' in verified ? verified : { refusal: verified };
  }

  /** The license that was in force before, if its key is still trusted. */
  async kept(token: string | undefined): Promise<VerifiedLicense | null> {
    if (token === undefined) return null;
    const verified = await this.#verify(token);
    return 'token' in verified ? verified : null;
  }

  async #verify(token: string): Promise<VerifiedLicense | Diagnosis> {
    const known = this.#verified.get(token);
    if (known) return known;
    let result: VerifiedLicense | Diagnosis;
    try {
      result = await verifyLicense(token, this.#trust ?? NO_KEYS);
    } catch (error) {
      if (!(error instanceof BusbarError)) throw error;
      result = error.diagnosis;
    }
    // The file and the kept one are two; more are files of the past.
    if (this.#verified.size > 8) this.#verified.clear();
    this.#verified.set(token, result);
    return result;
  }
}
