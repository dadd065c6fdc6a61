/**
 * What a run leaves behind: the format of metrics, expected and paper values and their comparison, figures as
 * Vega-Lite specifications in one visual language, their rendering, and the writing of reports.
 *
 * @module
 */
export type { CurvePoint, LayerCurve, ReferenceLine } from "./charts/_curve_marks.ts";
export type { SourceClass } from "./_source_class.ts";
export { accuracyBars, type AccuracyBarsInput, type Bar, type BarGroup } from "./charts/accuracy_bars.ts";
export { claimItems, claimRows, effectText, numberText } from "./claims_table.ts";
export { type ClaimedRange, type EffectInterval, intervalVerdict, jointVerdict } from "./claim_verdict.ts";
export {
  CATEGORY_COLOURS,
  FIGURE_COLOURS,
  FIGURE_CONFIG,
  FIGURE_FONT,
  FONT_SIZES,
  MONO_FONT,
  ORDER_COLOURS,
  SERIES_COLOURS,
  SERIES_SHAPES,
} from "./charts/figure_style.ts";
export { type FrequencyDot, frequencyDots, type FrequencyDotsInput } from "./charts/frequency_dots.ts";
export { headPanels, type HeadPanelsInput, type HeadSeries } from "./charts/head_panels.ts";
export { type ColourScale, heatMap, type HeatMapInput } from "./charts/heat_map.ts";
export { heatStrip, type HeatStripInput, type StripSegment } from "./charts/heat_strip.ts";
export {
  type HistogramPanel,
  histogramPanels,
  type HistogramPanelsInput,
} from "./charts/histogram_panels.ts";
export { layerCurve, type LayerCurveInput } from "./charts/layer_curve.ts";
export { matrixPanels, type MatrixPanelsInput, type MatrixRow } from "./charts/matrix_panels.ts";
export type { MetricValue, Uncertainty } from "./metric_value.ts";
export {
  type CheckVerdict,
  type ClaimResult,
  METRIC_DIGITS,
  type MetricCheck,
  type Metrics,
  parseMetrics,
  serializeMetrics,
} from "./metrics.ts";
export { type PaperItem, type PaperStatement, type PaperValue, paperValue, readPaperItem } from "./paper.ts";
export { paperChecks } from "./paper_checks.ts";
export {
  compareWithPaper,
  formatPaperTable,
  type PaperComparison,
  type PaperNumber,
} from "./paper_comparison.ts";
export {
  formatNoticedChanges,
  NOTICED_SHARES,
  type NoticedChanges,
  noticedChanges,
} from "./noticed_changes.ts";
export {
  type RecordedRun,
  recordExpectations,
  type RecordExpectationsOptions,
  type Rounding,
} from "./record_expectations.ts";
export { type LinePoint, positionLines, type PositionLinesInput } from "./charts/position_lines.ts";
export { FONT_VERSION, renderPng, renderSvg } from "./charts/render.ts";
export { type ScatterPanel, scatterPanels, type ScatterPanelsInput } from "./charts/scatter_panels.ts";
export { type ShareBar, shareBars, type ShareBarsInput } from "./charts/share_bars.ts";
export { type BoxNumbers, type LabelledBox, shiftBoxes, type ShiftBoxesInput } from "./charts/shift_boxes.ts";
export { type SourceLine, sourceLines, type SourceLinesInput } from "./charts/source_lines.ts";
export {
  markdownTable,
  type TableCell,
  type TableColumn,
  type TableRow,
  textTable,
  type TextTableInput,
} from "./charts/text_table.ts";
export { type TokenBar, tokenBars, type TokenBarsInput } from "./charts/token_bars.ts";
export { tokenLabel } from "./charts/token_label.ts";
export { tokenText, type TokenTextBlock, type TokenTextInput } from "./charts/token_text.ts";
export {
  comparedValues,
  compareMetrics,
  type Expectation,
  type ExpectationFile,
  type ExpectedValue,
  formatCheckTable,
  readExpectations,
} from "./compare_metrics.ts";
export {
  type FigureOptions,
  figureSpec,
  type Panel,
  panelTitle,
  type VegaLiteSpec,
  withSubtitle,
} from "./charts/vega_lite.ts";
export { type Report, writeReport } from "./write_report.ts";
