import { walkLog } from './walk-log.js';

const [folder, mapSizeBytes] = process.argv.slice(2) as [string, string];

walkLog(folder, Number(mapSizeBytes), () => process.send?.('progress')).then(
  () => process.exit(0),
  (error: unknown) => {
    process.send?.(error instanceof Error ? error.message : String(error), () => process.exit(1));
  },
);
