import type { ErrorEntry } from '../catalog.js';

export const MAPPING_ERRORS = {
  MAPPING_INCONSISTENT: {
    sentence: 'Access template {template} does not fit point table {table}: {reason}.',
    fix: 'Publish the package again; validation lists what does not fit.',
    retry: 'defect',
  },
} as const satisfies Record<string, ErrorEntry>;
