// Panels of the dashboards, as short as what tells them apart: title, unit, width and queries.
//
// Every query names the label `instance` through a variable, so that one dashboard serves one resolver or forty. Widths are
// of Grafana's 24 columns. test/integration/dashboards.test.ts executes each query.
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** The variable that holds the data source: one file serves every Grafana. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana puts the chosen source there.
const SOURCE = { type: 'prometheus', uid: '${source}' };
/** In place of figures that there are none of. */
const NONE = 'none';
const HEIGHT = 8;
const FIGURE_HEIGHT = 4;

/** An expression of PromQL, and how its series are called. */
type Query = readonly [expression: string, legend: string];

/** What tells a panel from another. */
export interface PanelText {
  readonly title: string;
  /** One sentence: what it shows, or what to do about it. */
  readonly about?: string;
  /** Unit of Grafana: `reqps`, `s`, `percentunit`, `bytes`, `short`, … */
  readonly unit?: string;
  readonly width?: number;
  readonly queries: readonly Query[];
}

/** A figure that is good, doubtful or bad. */
export interface FigureText extends PanelText {
  /** Colors from these values on, beginning with the lowest, which has none. */
  readonly colors?: readonly [value: number | null, color: 'green' | 'orange' | 'red' | 'blue'][];
}

const letters = 'ABCDEFGH';

/** A query, for a line over time or as it is now. */
const query = ([expression, legend]: Query, index: number): DataqueryBuilder =>
  new DataqueryBuilder()
    .refId(letters.charAt(index))
    .datasource(SOURCE)
    .expr(expression)
    .legendFormat(legend);

/** Lines over time. */
export const lines = ({ title, about, unit = 'short', width = 8, queries }: PanelText): Builder<Panel> => {
  const panel = new TimeSeriesBuilder()
    .title(title)
    .datasource(SOURCE)
    .unit(unit)
    .min(0)
    .height(HEIGHT)
    .span(width)
    .fillOpacity(10)
    .noValue(NONE)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (about !== undefined) panel.description(about);
  for (const [index, each] of queries.entries()) panel.withTarget(query(each, index).range());
  return panel;
};

/** One figure, as it is now. */
export const figure = ({
  title,
  about,
  unit = 'short',
  width = 4,
  queries,
  colors = [[null, 'blue']],
}: FigureText): Builder<Panel> => {
  const panel = new StatBuilder()
    .title(title)
    .datasource(SOURCE)
    .unit(unit)
    .height(FIGURE_HEIGHT)
    .span(width)
    .noValue(NONE)
    .colorMode(BigValueColorMode.Background)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .thresholds(
      new ThresholdsConfigBuilder()
        .mode(ThresholdsMode.Absolute)
        .steps(colors.map(([value, color]) => ({ value, color }))),
    );
  if (about !== undefined) panel.description(about);
  for (const [index, each] of queries.entries()) panel.withTarget(query(each, index).instant());
  return panel;
};

/** A row for each series, with its labels as columns. */
export const table = ({ title, about, unit = 'short', width = 12, queries }: PanelText): Builder<Panel> => {
  const panel = new TableBuilder()
    .title(title)
    .datasource(SOURCE)
    .unit(unit)
    .height(HEIGHT)
    .span(width)
    .noValue(NONE)
    .filterable(true)
    .withTransformation({
      id: 'organize',
      options: { excludeByName: { Time: true, job: true, __name__: true }, renameByName: { Value: title } },
    });
  if (about !== undefined) panel.description(about);
  for (const [index, each] of queries.entries())
    panel.withTarget(query(each, index).instant().format(PromQueryFormat.Table));
  return panel;
};

/** A heading and the panels below it. */
export interface Section {
  readonly heading: string;
  readonly panels: readonly Builder<Panel>[];
}

/** Which resolvers a dashboard is about: any number of them, by site and one by one; one; or those that an authority hears. */
type Scope = 'several' | 'one' | 'fleet';

/** A variable of labels, of which all are chosen at first: what a query has then is `all`, or each of them. */
const choice = (name: string, label: string, query: string, all?: string): QueryVariableBuilder => {
  const variable = new QueryVariableBuilder(name)
    .label(label)
    .datasource(SOURCE)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .current({ text: 'All', value: '$__all' });
  return all === undefined ? variable : variable.allValue(all);
};

/** Without a fleet there is no site: all sites are also none. */
const ANY = '.*';

const variablesOf = (scope: Scope): QueryVariableBuilder[] => {
  switch (scope) {
    case 'one':
      return [
        new QueryVariableBuilder('instance')
          .label('Resolver')
          .datasource(SOURCE)
          .query('label_values(cordon_build_info, instance)')
          .refresh(VariableRefresh.OnTimeRangeChanged)
          .sort(VariableSort.AlphabeticalAsc),
      ];
    case 'several':
      return [
        choice('site', 'Sites', 'label_values(cordon:instance:site, site)', ANY),
        choice('instance', 'Resolvers', 'label_values(cordon:instance:site{site=~"$site"}, instance)'),
      ];
    case 'fleet':
      return [
        choice('site', 'Sites', 'label_values(cordon_fleet_resolver_info, site)', ANY),
        choice('resolver', 'Resolvers', 'label_values(cordon_fleet_resolver_info{site=~"$site"}, resolver)'),
      ];
  }
};

/** A dashboard of sections, with variables for the data source and for resolvers. */
export const dashboard = (
  name: { readonly uid: string; readonly title: string; readonly about: string; readonly from: string },
  scope: Scope,
  sections: readonly Section[],
): DashboardBuilder => {
  const board = new DashboardBuilder(name.title)
    .uid(name.uid)
    .description(name.about)
    .tags(['cordon'])
    .readonly()
    .timezone('browser')
    .time({ from: name.from, to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('source').label('Prometheus').type('prometheus'))
    .link(
      new DashboardLinkBuilder('Cordon')
        .type(DashboardLinkType.Dashboards)
        .tags(['cordon'])
        .asDropdown(true)
        .keepTime(true),
    );
  for (const variable of variablesOf(scope)) board.withVariable(variable);
  for (const { heading, panels } of sections) {
    board.withRow(new RowBuilder(heading));
    for (const panel of panels) board.withPanel(panel);
  }
  return board;
};
