// Where the CPU goes, by stage: self times of a V8 CPU profile, by the folder of the code.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const STAGES = [
  ['collect', /\/(driver-host|drivers|driver-sdk|protocols|modbus-serial|collector)\//],
  ['batch', /\/libs\/batch\//],
  ['bus', /\/(libs\/bus|lmdb|kafkajs|msgpackr|ordered-binary|weak-lru-cache)\//],
  ['map', /\/(libs\/mapping|apps\/mapper)\//],
  ['upload', /\/(upload-policy|sinks|sink-sdk|apps\/uploader|mqtt|mqtt-packet)\//],
  ['kit', /\/(service-kit|@nestjs|rxjs|pino|prom-client)\//],
];

function stageOf({ functionName, url }) {
  if (functionName === '(garbage collector)') return 'gc';
  if (functionName === '(program)') return 'engine';
  if (functionName === 'writeBuffer' || functionName === 'writev' || functionName === 'writeUtf8String')
    return 'socket write';
  for (const [stage, pattern] of STAGES) if (pattern.test(url)) return stage;
  return url.startsWith('node:') ? 'node' : 'other';
}

/** Share of each stage in the busy time of the last `seconds` of the newest profile in a folder. */
export function stagesOf(folder, seconds) {
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'));
  const profile = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const from = profile.endTime - seconds * 1e6;
  const sums = new Map();
  let at = profile.startTime;
  let busy = 0;
  profile.samples.forEach((id, i) => {
    const delta = profile.timeDeltas[i];
    at += delta;
    const frame = nodes.get(id);
    if (at < from || frame.functionName === '(idle)') return;
    busy += delta;
    const stage = stageOf(frame);
    sums.set(stage, (sums.get(stage) ?? 0) + delta);
  });
  return [...sums].sort((a, b) => b[1] - a[1]).map(([stage, time]) => ({ stage, share: time / busy }));
}
