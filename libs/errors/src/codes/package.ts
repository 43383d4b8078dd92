import type { ErrorEntry } from '../catalog.js';

/** Codes of resource-package.md 12; the library `package` adds the rest of that list as it builds it. */
export const PACKAGE_ERRORS = {
  NOT_BUILT: {
    sentence: '{thing} is not built yet in this version of Busbar.',
    fix: 'Take it out, or use a version that has it.',
    retry: 'fix',
  },
  PACKAGE_INVALID: {
    sentence: 'The package in {folder} has {count} errors.',
    fix: 'Correct them; each is listed with file, line and column.',
    retry: 'fix',
  },
} as const satisfies Record<string, ErrorEntry>;
