/**
 * What a run leaves behind: the format of metrics, expected and paper values and their comparison, figures as
 * Vega-Lite specifications in one visual language, their rendering, and the writing of reports.
 *
 * @module
 */
export { accuracyBars, type AccuracyBarsInput, type Bar, type BarGroup } from "./accuracy_bars.ts";
export { type ClaimedRange, type EffectInterval, intervalVerdict } from "./claim_verdict.ts";
export {
  FIGURE_COLOURS,
  FIGURE_CONFIG,
  FIGURE_FONT,
  FONT_SIZES,
  SERIES_COLOURS,
  SERIES_SHAPES,
} from "./figure_style.ts";
export {
  type CurvePoint,
  type LayerCurve,
  layerCurve,
  type LayerCurveInput,
  type ReferenceLine,
} from "./layer_curve.ts";
export {
  type CheckVerdict,
  type ClaimResult,
  METRIC_DIGITS,
  type MetricCheck,
  type Metrics,
  type MetricValue,
  parseMetrics,
  serializeMetrics,
  type Uncertainty,
} from "./metrics.ts";
export {
  type PaperItem,
  type PaperStatement,
  type PaperValue,
  paperValue,
  readPaperItem,
  type SourceClass,
} from "./paper.ts";
export {
  compareWithPaper,
  formatPaperTable,
  type PaperComparison,
  type PaperNumber,
} from "./paper_comparison.ts";
export {
  type LeftOutMetric,
  type RecordedExpectations,
  type RecordedRun,
  recordExpectations,
  type RecordExpectationsOptions,
  type ToleranceFloor,
} from "./record_expectations.ts";
export { FONT_VERSION, renderPng, renderSvg } from "./render.ts";
export { type BoxNumbers, type LabelledBox, shiftBoxes, type ShiftBoxesInput } from "./shift_boxes.ts";
export { tokenLabel } from "./token_label.ts";
export {
  compareMetrics,
  type Expectation,
  type ExpectationFile,
  formatCheckTable,
  readExpectations,
} from "./tolerance.ts";
export {
  type FigureOptions,
  figureSpec,
  type Panel,
  panelTitle,
  validateSpec,
  type VegaLiteSpec,
} from "./vega_lite.ts";
export { type Report, writeReport } from "./write_report.ts";
