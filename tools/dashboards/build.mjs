// Grafana's JSON from the definitions, built by Grafana's own SDK. tools/generate.mjs writes it into the chart.
import common from '@grafana/grafana-foundation-sdk/common';
import sdk from '@grafana/grafana-foundation-sdk/dashboard';
import prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import stat from '@grafana/grafana-foundation-sdk/stat';
import timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { DASHBOARDS } from './definitions.mjs';

const FOLDER = 'charts/busbar/dashboards';
const SOURCE = { type: 'prometheus', uid: '$' + '{datasource}' };
/** Labels that both ways of scraping give: annotations (labels of the pod) and the ServiceMonitor (podTargetLabels). */
const SCOPE = 'namespace=~"$namespace",app_kubernetes_io_name="busbar",app_kubernetes_io_instance=~"$release"';
const LINES = `${SCOPE},protocol=~"$protocol",connection=~"$connection"`;

const expand = (expr) => expr.replaceAll('$scope', SCOPE).replaceAll('$lines', LINES);

/** From which series the choices of a variable come. */
const VARIABLES = {
  namespace: { label: 'Namespace', of: 'bus_up{app_kubernetes_io_name="busbar"}' },
  release: {
    label: 'Release',
    of: 'bus_up{app_kubernetes_io_name="busbar",namespace=~"$namespace"}',
    name: 'app_kubernetes_io_instance',
  },
  protocol: { label: 'Protocol', of: `collector_connection_up{${SCOPE}}` },
  connection: { label: 'Connection', of: `collector_connection_up{${SCOPE},protocol=~"$protocol"}` },
};

function variable(name) {
  const { label, of, name: series = name } = VARIABLES[name];
  return new sdk.QueryVariableBuilder(name)
    .label(label)
    .datasource(SOURCE)
    .query(`label_values(${of}, ${series})`)
    .refresh(sdk.VariableRefresh.OnTimeRangeChanged)
    .sort(sdk.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: 'All', value: '$__all' });
}

function thresholds(alarm) {
  const steps = [{ value: null, color: alarm === undefined ? 'text' : 'green' }];
  if (alarm !== undefined) steps.push({ value: alarm, color: 'red' });
  return new sdk.ThresholdsConfigBuilder().mode(sdk.ThresholdsMode.Absolute).steps(steps);
}

function target({ expr, legend }, index, isInstant) {
  const query = new prometheus.DataqueryBuilder()
    .refId(String.fromCharCode(65 + index))
    .expr(expand(expr))
    .datasource(SOURCE);
  if (legend) query.legendFormat(legend);
  return isInstant ? query.instant() : query.range();
}

function panelOf({ kind, title, queries, unit, what, alarm, most, width, legend, text }) {
  const isFigure = kind === 'stat';
  const panel = isFigure ? new stat.PanelBuilder() : new timeseries.PanelBuilder();
  panel
    .title(title)
    .datasource(SOURCE)
    .span(width ?? (isFigure ? 4 : 12))
    .height(isFigure ? 4 : 8)
    .thresholds(thresholds(alarm));
  if (unit) panel.unit(unit);
  if (what) panel.description(what);
  queries.forEach((query, index) => {
    panel.withTarget(target(legend ? { ...query, legend } : query, index, isFigure));
  });
  if (isFigure) {
    const last = new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']);
    panel.reduceOptions(last).graphMode(common.BigValueGraphMode.None);
    if (text === 'name') panel.textMode(common.BigValueTextMode.Name);
    return panel;
  }
  const key = new common.VizLegendOptionsBuilder()
    .displayMode(common.LegendDisplayMode.List)
    .placement(common.LegendPlacement.Bottom)
    .showLegend(true);
  const hover = new common.VizTooltipOptionsBuilder()
    .mode(common.TooltipDisplayMode.Multi)
    .sort(common.SortOrder.Descending);
  panel.legend(key).tooltip(hover).min(0).fillOpacity(8).spanNulls(false);
  if (most !== undefined) panel.max(most);
  return panel;
}

function dashboardOf({ file, title, description, variables = [], rows }) {
  const dashboard = new sdk.DashboardBuilder(title)
    .uid(`busbar-${file}`)
    .description(description)
    .tags(['busbar'])
    .refresh('30s')
    .time({ from: 'now-3h', to: 'now' })
    .timezone('browser')
    .tooltip(sdk.DashboardCursorSync.Crosshair)
    .link(
      new sdk.DashboardLinkBuilder('Busbar')
        .type(sdk.DashboardLinkType.Dashboards)
        .tags(['busbar'])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .withVariable(
      new sdk.DatasourceVariableBuilder('datasource')
        .label('Prometheus')
        .type('prometheus')
        .current({ selected: false, text: 'default', value: 'default' }),
    );
  for (const name of ['namespace', 'release', ...variables]) dashboard.withVariable(variable(name));
  let id = 0;
  for (const row of rows) {
    dashboard.withRow(new sdk.RowBuilder(row.title).id(++id));
    for (const panel of row.panels) dashboard.withPanel(panelOf(panel).id(++id));
  }
  return dashboard.build();
}

/** Path to content of every dashboard: as generate.mjs gives it. */
export function dashboards() {
  return Object.fromEntries(
    DASHBOARDS.map((one) => [`${FOLDER}/${one.file}.json`, `${JSON.stringify(dashboardOf(one), null, 2)}\n`]),
  );
}
