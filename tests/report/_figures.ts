/** Small figures with made-up numbers, one of each kind. */
import {
  accuracyBars,
  figureSpec,
  layerCurve,
  shiftBoxes,
  tokenLabel,
  type VegaLiteSpec,
} from "../../lib/report/mod.ts";

export function curveFigure(): VegaLiteSpec {
  const values = [30, 42, 36, 38];
  const points = values.map((value, layer) => ({
    layer,
    value,
    band: [value - 1, value + 1] as const,
    error: [value - 2, value + 2] as const,
    runs: [value - 0.5, value + 0.5],
  }));
  const references = [
    { label: "All layers", value: 44 },
    { label: "Base, greedy", value: 24.8 },
    { label: "Base, τ = 1", value: 24.3, band: [22.6, 26] as const },
  ];
  const panel = layerCurve({
    curves: [{ name: "One layer", points }],
    references,
    yTitle: "Mean accuracy (%)",
  });
  return figureSpec([panel], { title: "One vector in one layer", subtitle: ["Made-up numbers"] });
}

export function boxFigure(): VegaLiteSpec {
  const box = {
    count: 9,
    lowerQuartile: 0.2,
    median: 0.3,
    upperQuartile: 0.5,
    lowerWhisker: -0.05,
    upperWhisker: 0.8,
    fliers: [0.99],
  };
  const boxes = shiftBoxes({
    title: "a Most boosted tokens",
    boxes: [
      { label: tokenLabel(" To"), box },
      { label: tokenLabel("\n"), box: { ...box, fliers: [] } },
      { label: `${tokenLabel("To")}\nat pos. 0`, box, role: "subject" },
    ],
    divideAfter: 2,
    yTitle: "Change of probability Δp",
  });
  const bars = accuracyBars({
    title: "b Accuracy",
    series: [{ name: "Base" }, { name: 'Base + "To"' }, { name: "Last-layer vector" }],
    groups: [
      {
        label: "Greedy",
        bars: [{ series: "Base", value: 24.8 }, { series: "Last-layer vector", value: 38.7 }],
      },
      {
        label: "Sampling, τ = 1\nrecovers 74.2 %",
        bars: [
          { series: "Base", value: 14.3, error: [12.6, 16] },
          { series: 'Base + "To"', value: 25.5, error: [24.8, 26.2] },
          { series: "Last-layer vector", value: 29.4, error: [29, 29.8] },
        ],
      },
    ],
    yTitle: "Mean accuracy (%)",
  });
  return figureSpec([boxes, bars], { title: "The last-layer vector" });
}
