// Words of which the definitions of dashboards are made. `$scope` stands for "the pods of the chosen sites", `$lines` for
// "the chosen connections of them"; build.mjs puts the labels in.

/** A number, red from `alarm` on where that is given. */
export const figure = (title, expr, rest = {}) => ({ kind: 'stat', title, queries: [{ expr, legend: '' }], ...rest });

/** One line per series; `queries` are pairs of expression and legend. */
export const lines = (title, queries, rest = {}) => ({
  kind: 'lines',
  title,
  queries: queries.map(([expr, legend]) => ({ expr, legend })),
  ...rest,
});

/** Events per second of a counter. */
export const rate = (counter, by) => `sum by (${by}) (rate(${counter}[$__rate_interval]))`;

export const quantile = (q, histogram, by = 'le') =>
  `histogram_quantile(${q}, sum by (${by}) (rate(${histogram}[$__rate_interval])))`;
