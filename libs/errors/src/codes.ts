import type { ErrorEntry } from './catalog.js';
import { BUS_ERRORS } from './codes/bus.js';
import { CLOUD_ERRORS } from './codes/cloud.js';
import { CONNECTION_ERRORS } from './codes/connection.js';
import { CONTROL_ERRORS } from './codes/control.js';
import { FILES_ERRORS } from './codes/files.js';
import { FORWARD_ERRORS } from './codes/forward.js';
import { FORWARD_SERVER_ERRORS } from './codes/forward-server.js';
import { LICENSE_ERRORS } from './codes/license.js';
import { MAPPING_ERRORS } from './codes/mapping.js';
import { PACKAGE_ERRORS } from './codes/package.js';
import { SERVICE_ERRORS } from './codes/service.js';
import { STORE_ERRORS } from './codes/store.js';

/** The whole catalog. One file per area, so that people who add an entry do not meet. */
export const ERRORS = {
  ...BUS_ERRORS,
  ...CLOUD_ERRORS,
  ...CONNECTION_ERRORS,
  ...CONTROL_ERRORS,
  ...FILES_ERRORS,
  ...FORWARD_ERRORS,
  ...FORWARD_SERVER_ERRORS,
  ...LICENSE_ERRORS,
  ...MAPPING_ERRORS,
  ...PACKAGE_ERRORS,
  ...SERVICE_ERRORS,
  ...STORE_ERRORS,
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;
