import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root } from './program.js';

const CHART = join(root, 'charts', 'busbar');

/** What a dashboard of the chart asks Prometheus. */
export interface PanelQuery {
  /** `control: Ends, by outcome`. */
  readonly panel: string;
  readonly query: string;
  readonly isInstant: boolean;
}

interface Dashboard {
  readonly panels: readonly {
    readonly type: string;
    readonly title: string;
    readonly targets?: readonly { readonly expr: string; readonly instant?: boolean }[];
  }[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: string }[];
  };
}

/** Variables as Grafana fills them in when everything is chosen. */
function filled(query: string): string {
  const open = query
    .replaceAll('$__rate_interval', '15s')
    .replace(/\$(namespace|release|protocol|connection)\b/g, '.*');
  if (open.includes('$')) throw new Error(`a variable that this test does not fill in: ${open}`);
  return open;
}

function dashboards(): [string, Dashboard][] {
  const folder = join(CHART, 'dashboards');
  return readdirSync(folder).map((file) => [
    basename(file, '.json'),
    JSON.parse(readFileSync(join(folder, file), 'utf8')) as Dashboard,
  ]);
}

export function panelQueries(): PanelQuery[] {
  return dashboards().flatMap(([name, { panels }]) =>
    panels
      .filter(({ type }) => type !== 'row')
      .flatMap(({ title, targets = [] }) => {
        const panel = `${name}: ${title}`;
        if (targets.length === 0) throw new Error(`${panel} asks nothing`);
        return targets.map(({ expr, instant }) => ({ panel, query: filled(expr), isInstant: instant === true }));
      }),
  );
}

/** Series and label from which each variable takes its choices. */
export function variableQueries(): { readonly name: string; readonly series: string; readonly label: string }[] {
  return dashboards().flatMap(([dashboard, { templating }]) =>
    templating.list
      .filter(({ type }) => type === 'query')
      .map(({ name, query }) => {
        const [, series, label] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? [];
        if (!series || !label) throw new Error(`${dashboard}: variable ${name} asks ${query}`);
        return { name: `${dashboard}: $${name}`, series: filled(series), label };
      }),
  );
}

export const ruleFiles = readdirSync(join(CHART, 'rules'))
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => join(CHART, 'rules', file));

export const ruleTests = readdirSync(join(CHART, 'rules', 'tests')).map((file) => join(CHART, 'rules', 'tests', file));

/** Names of the alerts, as the files have them. */
export const alertNames = ruleFiles.flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/^ +- alert: (\w+)$/gm)].map(([, name]) => name as string),
);

/** The selectors of an expression: what it looks at, without what it does with it. */
export function selectorsOf(expr: string): string[] {
  const bare = expr.replace(/\b(by|on|ignoring|group_left|without)\s*\([^)]*\)/g, ' ').replace(/\[\w+\]/g, ' ');
  return [...bare.matchAll(/([a-z_]\w*)(\{[^}]*\})?(?!\w*\()/g)]
    .filter(([, name]) => name?.includes('_') || name === 'up')
    .map(([whole]) => whole);
}

/** Labels of the pod that the chart's ServiceMonitor gives to every series, in the form that Prometheus gives them. */
function targetLabels(): string[] {
  const text = readFileSync(join(CHART, 'templates', 'service-monitor.yaml'), 'utf8');
  const [, list] = /^ {2}podTargetLabels: \[(.*)\]$/m.exec(text) ?? [];
  if (!list) throw new Error('the ServiceMonitor has no podTargetLabels');
  return list.split(',').map((label) => label.trim());
}

/**
 * Labels of a program's series in the cluster. Annotations give all labels of the pod; the ServiceMonitor gives fewer,
 * so that what works with these works with both.
 */
export function labelsOf(program: string): Record<string, string> {
  const app = program.replace(/-\d+$/, '');
  const isCollector = app === 'collector';
  const ofPod: Readonly<Record<string, string>> = {
    'app.kubernetes.io/name': 'busbar',
    'app.kubernetes.io/instance': 'plant',
    'app.kubernetes.io/component': isCollector ? 'collector-all' : app,
    'busbar.io/workload': isCollector ? 'all' : '',
  };
  const labels: Record<string, string> = { namespace: 'energy', pod: `plant-busbar-${program}` };
  for (const label of targetLabels()) {
    const value = ofPod[label];
    if (value === undefined) throw new Error(`the pod of the chart has no label ${label} that this test knows`);
    labels[label.replace(/\W/g, '_')] = value;
  }
  return labels;
}
