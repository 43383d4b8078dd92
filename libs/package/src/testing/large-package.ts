const HEAD = 'apiVersion: busbar/v1\nsite: { id: large, timezone: UTC }\n';
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/**
 * 100,000 points: `shared` 100 devices of one table through a model of 1,000 points, `tables` 100 point tables of
 * 1,000 rows used directly, `own` 1,000 devices with 100 tags of their own in YAML.
 */
export function largePackage(shape: 'shared' | 'tables' | 'own'): Record<string, string> {
  const table = `id,address,type,scale,unit,group\n${range(1000)
    .map((row) => `t${row},holding:${row * 2},int32,0.1,kW,1s`)
    .join('\n')}\n`;
  if (shape === 'shared') {
    const points = range(1000).map((row) => `      P.${row}: { type: double, unit: kW, upload: TIMER 60s }`);
    const map = range(1000).map((row) => `      P.${row}: t${row}`);
    return {
      'busbar.yaml': HEAD,
      'points/t.csv': table,
      'models.yaml': `models:\n  m:\n    points:\n${points.join('\n')}\n`,
      'templates.yaml': `accessTemplates:\n  a:\n    model: m\n    table: t\n    map:\n${map.join('\n')}\n`,
      'connections.yaml':
        'connections:\n  c:\n    driver: modbus\n    devices:\n      d-$n: { each: 1..100, table: t, with: { unitId: $n } }\n',
      'assets.yaml': 'assets:\n  a-$n: { each: 1..100, from: { a: d-$n } }\n',
      'sinks.yaml': 'sinks:\n  q: { sink: mqtt }\n',
    };
  }
  if (shape === 'tables') {
    const devices = range(100).map((n) => `      d-${n}: { table: t${n}, with: { unitId: ${n} } }`);
    return {
      'busbar.yaml': HEAD,
      ...Object.fromEntries(range(100).map((n) => [`points/t${n}.csv`, table])),
      'connections.yaml': `connections:\n  c:\n    driver: modbus\n    devices:\n${devices.join('\n')}\n`,
      'sinks.yaml': 'sinks:\n  q: { sink: mqtt }\n',
    };
  }
  const tags = range(100).map((row) => `          t${row}: { address: holding:${row * 2}, type: float32, group: 1s }`);
  const connection = (n: number): string =>
    `  c${n}:\n    driver: modbus\n    with: { host: h${n} }\n    devices:\n      d${n}:\n        tags:\n${tags.join('\n')}\n`;
  return {
    'busbar.yaml': HEAD,
    ...Object.fromEntries(
      range(10).map((file) => [
        `connections/${file}.yaml`,
        `connections:\n${range(100)
          .map((n) => connection(file * 100 + n))
          .join('')}`,
      ]),
    ),
    'sinks.yaml': 'sinks:\n  q: { sink: mqtt }\n',
  };
}
