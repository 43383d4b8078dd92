/** Sizes that a package may have; beyond them it is refused before it costs memory. */
export const LIMITS = {
  packageBytes: 256 * 1024 * 1024,
  files: 5_000,
  yamlBytes: 5 * 1024 * 1024,
  csvBytes: 64 * 1024 * 1024,
  cellBytes: 4 * 1024,
  rows: 100_000,
  tags: 1_000_000,
  connections: 2_000,
  assets: 100_000,
  features: 5_000,
  /** Reserved places per forwarding template. */
  reserved: 1_000,
  eachRows: 10_000,
  /** What all `each` of a package may make together. */
  expanded: 200_000,
  depth: 64,
  findings: 1_000,
} as const;
