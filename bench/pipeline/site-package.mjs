// The package of the bench: D connections with one device of T Float32 tags each, sent as they are.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SINKS = {
  mqtt: ({ mqttPort }) => `  out:
    sink: mqtt
    with: { url: "mqtt://127.0.0.1:${mqttPort}", topic: "busbar/$asset", qos: 1 }
    send: [ "*" ]
`,
  enos: ({ mqttPort }) => `  out:
    sink: enos
    with: { url: "mqtt://127.0.0.1:${mqttPort}", productKey: pkEdge, deviceKey: $site, deviceSecret: secret:enos/edge }
    products: { "table:bench": pkBench }
    identity: { deviceKey: $asset, deviceSecret: secret:enos/$asset }
    send: [ "*" ]
`,
};

export function writePackage(folder, { devices, tags, port, period, sink, mqttPort }) {
  mkdirSync(join(folder, 'points'), { recursive: true });
  writeFileSync(
    join(folder, 'busbar.yaml'),
    `apiVersion: busbar/v1
site: { id: bench, title: Bench, timezone: UTC }
protocols:
  bench:
    version: "1.0.0"
    driver: modbus
    table: bench
    groups: { all: ${period} }
    quirks: { maxBlock: 124 }
connections:
  c$n:
    each: 0..${devices - 1}
    driver: modbus
    readOnly: false
    with: { host: 127.0.0.1, port: $(n+${port}), timeout: 1s }
    devices:
      d$n: { protocol: bench, with: { unitId: 1 } }
control:
  default: { priority: [ operator ], expiry: 10s, hold: 0s }
sinks:
${SINKS[sink]({ mqttPort })}`,
  );
  const rows = Array.from({ length: tags }, (_, i) => `t${i},holding:${2 * i},float32,r,all`);
  const spare = `command,holding:${2 * tags},float32,w,`;
  writeFileSync(join(folder, 'points', 'bench.csv'), `id,address,type,access,group\n${rows.join('\n')}\n${spare}\n`);
}
