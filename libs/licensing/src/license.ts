import type { EntitlementLimits } from '@busbar/events';
import { z } from 'zod';

const DAY_MS = 86_400_000;

const instant = z.iso.datetime({ error: 'write a time like 2026-12-31T16:00:00Z' });
const limit = z.union([z.literal('unlimited'), z.number().int().min(0).max(10_000_000)]);

/** What the issuer signs. */
export const licenseSchema = z
  .strictObject({
    format: z.literal(1),
    id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'write letters, digits, dots, dashes; at most 64'),
    /** `site.id` of the resource package. */
    site: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$/, 'write the id of the site as in busbar.yaml'),
    holder: z.string().regex(/^[^\p{Cc}]{1,200}$/u, 'write 1 to 200 characters'),
    issuedAt: instant,
    notBefore: instant,
    notAfter: instant,
    graceDays: z.number().int().min(0).max(365),
    /** Ids of drivers and forwarding servers. */
    protocols: z.union([
      z.literal('all'),
      z
        .array(z.string().regex(/^[a-z][a-z0-9-]{0,62}$/))
        .min(1)
        .max(100),
    ]),
    /** Access connections. */
    connections: limit,
    /** Tags of all access connections together. */
    tags: limit,
    /** Forwarding connections; 0: no forwarding. */
    forwarding: limit,
    /** Once: the highest time seen goes back to `issuedAt`, after a clock that stood in the future. */
    resetsClock: z.boolean().optional(),
  })
  .refine(({ notBefore, notAfter }) => Date.parse(notBefore) < Date.parse(notAfter), {
    path: ['notAfter'],
    error: 'it must end after it begins',
  });
export type License = z.infer<typeof licenseSchema>;

/** What holds without a license, without end: room to try a whole site. */
export const EVALUATION_LIMITS: EntitlementLimits = {
  protocols: null,
  connections: 128,
  tags: 150_000,
  forwarding: 2,
};

export function limitsOf({ protocols, connections, tags, forwarding }: License): EntitlementLimits {
  const count = (value: number | 'unlimited') => (value === 'unlimited' ? null : value);
  return {
    protocols: protocols === 'all' ? null : [...protocols],
    connections: count(connections),
    tags: count(tags),
    forwarding: count(forwarding),
  };
}

/** Epoch ms; the end and the end of the grace period belong to their spans. */
export function timesOf(license: License): { notBefore: number; notAfter: number; graceUntil: number } {
  const notAfter = Date.parse(license.notAfter);
  return { notBefore: Date.parse(license.notBefore), notAfter, graceUntil: notAfter + license.graceDays * DAY_MS };
}
