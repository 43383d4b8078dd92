import { z } from 'zod';
import { diagnosisSchema } from './connections.js';

/** One site, one record. */
export const ENTITLEMENTS_KEY = '@site';

/**
 * `evaluation`: never licensed. `grace`: ended, all goes on with a warning. `expired`: the grace period is over too, what
 * runs goes on and nothing new is started. `refused`: the file that is there is not accepted, and the site never had a
 * license; the limits are those of the evaluation.
 */
export const LICENSE_STATES = ['evaluation', 'valid', 'grace', 'expired', 'refused'] as const;
export const licenseStateSchema = z.enum(LICENSE_STATES);
export type LicenseState = z.infer<typeof licenseStateSchema>;

/** null: without limit. */
const count = z.number().int().min(0).nullable();

export const entitlementLimitsSchema = z.strictObject({
  /** Ids of drivers and forwarding servers; null: all. */
  protocols: z.array(z.string()).nullable(),
  /** Access connections. */
  connections: count,
  /** Tags of all access connections together. */
  tags: count,
  /** Forwarding connections; 0: no forwarding. */
  forwarding: count,
});
export type EntitlementLimits = z.infer<typeof entitlementLimitsSchema>;

/** A connection that was let in, with what it was let in for: it goes on after a restart, whatever became of the license. */
export const admittedConnectionSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(['access', 'forwarding']),
  protocol: z.string(),
  tags: z.number().int().min(0),
});
export type AdmittedConnection = z.infer<typeof admittedConnectionSchema>;

/** Record of `entitlements.changed`, key {@link ENTITLEMENTS_KEY}. */
export const entitlementsSchema = z.strictObject({
  site: z.string(),
  state: licenseStateSchema,
  /** Why the state is what it is, and what else a person should know; the gravest first. */
  diagnoses: z.array(diagnosisSchema),
  /** The license in force; null: evaluation. Times are epoch ms. */
  license: z
    .strictObject({
      id: z.string(),
      holder: z.string(),
      /** Thumbprint of the issuer's public key. */
      key: z.string(),
      notBefore: z.number(),
      notAfter: z.number(),
      graceUntil: z.number(),
      /** As it was accepted: a licenser that finds an empty data folder verifies it anew. */
      token: z.string(),
    })
    .nullable(),
  limits: entitlementLimitsSchema,
  /** In the order in which they were let in. */
  admitted: z.array(admittedConnectionSchema),
  /** Highest time known, epoch ms: a clock that is set back does not go below. */
  clockMs: z.number(),
  /** Ids of licenses that have set `clockMs` back, each once. */
  clockResets: z.array(z.string()),
  at: z.number(),
});
export type EntitlementsChanged = z.infer<typeof entitlementsSchema>;
