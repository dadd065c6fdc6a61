/** One figure of each kind with made-up numbers of realistic size and shape. */
import { RandomStream } from "../../lib/core/mod.ts";
import {
  accuracyBars,
  figureSpec,
  frequencyDots,
  headPanels,
  heatMap,
  heatStrip,
  histogramPanels,
  layerCurve,
  matrixPanels,
  positionLines,
  scatterPanels,
  shareBars,
  sourceLines,
  textTable,
  tokenBars,
  tokenLabel,
  tokenText,
  type VegaLiteSpec,
} from "../../lib/report/mod.ts";

const subtitle = ["Made-up numbers: they show how the chart looks and nothing else."];

function stream(name: string): RandomStream {
  return new RandomStream(7, name);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** A matrix like persistence: 1 on the diagonal, falling downstream, nothing upstream. */
function persistence(layers: number, decay: number, noise: RandomStream): (number | null)[][] {
  return range(layers).map((row) =>
    range(layers).map((column) =>
      column < row
        ? null
        : Math.min(1, Math.exp((row - column) * decay) + (column === row ? 0 : 0.06 * noise.normal()))
    )
  );
}

function pairs(): VegaLiteSpec {
  const layers = 28, random = stream("pairs");
  const values = range(layers).map((row) =>
    range(layers).map((column) => {
      if (column < row) return null;
      if (row === 5 && column === 20 || row === 11 && column === 23) return null;
      const reach = Math.sin(Math.PI * (row + column) / (2 * layers)) * (column - row) / layers;
      return column === row ? 0 : 1.9 * reach - 0.12 + 0.1 * random.normal();
    })
  );
  const panel = heatMap({
    values,
    rowTitle: "Layer of the first vector",
    columnTitle: "Layer of the second vector",
    barTitle: "Normalised\ngain",
    triangle: "upper",
    crossAbove: 0.99,
    colours: { high: 1 },
  });
  return figureSpec([panel], { title: "Pairs of single-layer vectors", subtitle });
}

function transfer(): VegaLiteSpec {
  const labels = ["base A", "A-instruct", "base B"];
  const panels = ["Raw", "Row-normalised"].map((title, place) =>
    heatMap({
      values: [[1, 0.64, -0.08], [0.71, 1, 0.02], [-0.14, 0.05, 1]],
      rowTitle: "Donor",
      columnTitle: "Recipient",
      rowLabels: labels,
      columnLabels: labels,
      cellDigits: 2,
      cell: 84,
      barTitle: "Share of\nown gain",
      bar: place === 1 ? "right" : "none",
      title: `${"ab"[place]} ${title}`,
      colours: { arms: "even" },
    })
  );
  return figureSpec(panels, { title: "Vectors on other models", subtitle });
}

function persistencePanels(): VegaLiteSpec {
  const random = stream("persistence"), averages = ["mean of tokens", "mean of texts", "of mean shift"];
  const three = (decay: number) =>
    Object.fromEntries(averages.map((name) => [name, persistence(8, decay, random)]));
  const panels = matrixPanels({
    rows: [{ title: "Diff–Diff", matrices: three(0.12) }, { title: "Diff–Vector", matrices: three(1.4) }],
    shown: averages,
    rowTitle: "Source layer",
    columnTitle: "Read layer",
    barTitle: "Cosine",
    missing: "blank",
    cell: 30,
  });
  return figureSpec(panels, { title: "How long a shift persists", subtitle, columns: 3, spacing: 30 });
}

function heads(): VegaLiteSpec {
  const random = stream("heads");
  const panel = (title: string, count: number, level: number) => ({
    title,
    heads: range(count).map((head) => {
      const value = level + 0.6 * random.normal();
      return {
        head,
        value,
        band: [value - 0.5, value + 0.5] as const,
        error: [value - 1, value + 1] as const,
      };
    }),
  });
  const panels = headPanels({
    series: [
      panel("a Q projection", 28, 31.5),
      panel("b K projection", 4, 31.2),
      panel("c V projection", 4, 33.6),
    ],
    references: [
      { label: "s₂₆", value: 35.5, band: [35, 36] },
      { label: "s₂₇", value: 29.4, band: [29, 29.8] },
      { label: "Skip-Attn", value: 31.7 },
      { label: "Skip-Layer", value: 31.2 },
    ],
    yTitle: "Mean accuracy (%)",
  });
  return figureSpec(panels, { title: "The penultimate vector into one head", subtitle });
}

function sources(): VegaLiteSpec {
  const random = stream("sources"), layers = 28;
  const lines = range(layers).map((source) => ({
    source,
    points: range(layers - source).map((step) => {
      const value = 0.35 + 0.65 * Math.exp(-step / 7) + 0.015 * random.normal();
      return { layer: source + step, value, band: [value - 0.02, value + 0.02] as const };
    }),
  }));
  const panel = sourceLines({
    lines,
    yTitle: "cos(shift, mean shift)",
    references: [{ label: "Threshold of the claim", value: 0.3 }],
  });
  return figureSpec([panel], { title: "Shifts stay aligned with their mean", subtitle });
}

function positions(): VegaLiteSpec {
  const random = stream("positions");
  const lines = ["Skip-Attn", "Skip-Layer", "Base"].map((name, index) => ({
    name,
    points: range(120).map((x) => {
      const value = 0.02 * (index + 1) * Math.exp(-x / (20 + 10 * index)) * Math.exp(0.4 * random.normal()) +
        2e-4;
      return { x, value, band: [value * 0.6, value * 1.5] as const };
    }),
  }));
  const linear = positionLines({ lines, yTitle: "KL to steered (nats)", title: "a Linear", width: 380 });
  const log = positionLines({
    lines,
    yTitle: "KL to steered (nats)",
    yScale: "log",
    title: "b Logarithmic",
    width: 380,
  });
  return figureSpec([linear, log], { title: "What each route changes", subtitle });
}

const TOKENS = [
  " Пусть",
  "\n\n",
  "的解",
  " nous",
  "\\displaystyle\\begin{aligned}",
  " мы",
  "ですから",
  "#include",
  " который",
];

function tokens(): VegaLiteSpec {
  const random = stream("tokens");
  const panels = range(4).map((layer) => {
    const bars = range(8).map((rank) => {
      const low = rank < 4, text = TOKENS[(rank + 2 * layer) % TOKENS.length] as string;
      const value = (low ? -1 : 1) * (0.31 - 0.03 * (low ? rank : 7 - rank) + 0.01 * random.uniform());
      const category = /[а-я]/i.test(text)
        ? "Russian"
        : /[^ -~\n]/.test(text)
        ? "Chinese, Japanese"
        : "other";
      return {
        label: tokenLabel(text, { most: 22 }),
        value,
        error: [value - 0.02, value + 0.02] as const,
        category,
      };
    });
    return tokenBars({
      bars,
      divideAfter: 4,
      categories: ["Russian", "Chinese, Japanese", "other"],
      xTitle: "Cosine with the shift",
      title: `Layer ${layer}`,
    });
  });
  return figureSpec(panels, { title: "Most suppressed and most promoted tokens", subtitle, columns: 2 });
}

function languages(): VegaLiteSpec {
  const random = stream("languages");
  const names = ["English", "Russian", "Code", "LaTeX", "Digits", "Other"];
  const shares = (english: number) => {
    const rest = [0.45, 0.25, 0.15, 0.05, 0.1].map((share) => share * Math.exp(0.3 * random.normal()));
    const sum = rest.reduce((a, b) => a + b, 0);
    return Object.fromEntries(
      names.map((
        name,
        index,
      ) => [name, index === 0 ? english : (1 - english) * (rest[index - 1] as number) / sum]),
    );
  };
  const bar = (label: string, english: number) => ({
    label,
    shares: shares(english),
    error: [english - 0.06, english + 0.06] as const,
  });
  const panel = shareBars({
    bars: [
      ...range(8).map((layer) => bar(String(layer), 0.7 - 0.15 * Math.sin(layer / 2.2))),
      bar("Last layer", 0.72),
      bar("Random\ndirection", 0.68),
      bar("Vocabulary", 0.7),
    ],
    categories: names.map((name) => ({ name })),
    divideAfter: 8,
    parts: ["50 most suppressed tokens, by layer", "Controls"],
    xTitle: "Layer",
  });
  return figureSpec([panel], { title: "Languages of suppressed tokens", subtitle });
}

function histograms(): VegaLiteSpec {
  const random = stream("histograms");
  const panels = range(8).map((layer) => {
    const edges = range(51).map((edge) => -0.5 + edge / 50);
    const counts = edges.slice(1).map(() => 0);
    for (let draw = 0; draw < 3000; draw++) {
      const value = (0.06 + 0.01 * layer) * random.normal() * (random.uniform() < 0.05 ? 2.2 : 1);
      const bin = Math.floor((value + 0.5) * 50);
      if (bin >= 0 && bin < 50) counts[bin] = (counts[bin] as number) + 1;
    }
    return { title: `Layer ${layer}`, edges, counts, tails: [-0.2, 0.21] as const, note: "n = 3000" };
  });
  const spec = histogramPanels({ panels, xTitle: "Cosine with the shift", yTitle: "Tokens" });
  return figureSpec(spec, { title: "Cosines with all tokens", subtitle, columns: 4, spacing: 26 });
}

function strip(): VegaLiteSpec {
  const random = stream("strip");
  const values = range(8).map((layer) =>
    range(160 - 6 * layer).map((position) => {
      const salient = position > 12 && position < 20 || position > 90 && position < 99;
      return 0.4 * random.normal() + (salient ? 1.8 : 0) * Math.sin(1 + layer);
    })
  );
  const wide = heatStrip({
    values,
    segments: [
      { label: "system", from: 0, to: 12 },
      { label: "template", from: 12, to: 20 },
      { label: "question", from: 20, to: 90 },
      { label: "template", from: 90, to: 99 },
      { label: "answer", from: 99, to: 160 },
    ],
    barTitle: "Magnitude /\nrange of row",
  });
  return figureSpec([wide], { title: "Magnitude of the adapters along a text", subtitle });
}

function labelledStrip(): VegaLiteSpec {
  const random = stream("labelled strip");
  const words = [
    "Q:",
    " What",
    " is",
    " 3",
    " ·",
    " 7",
    "?",
    "\n",
    "A:",
    " Пусть",
    " x",
    " =",
    " 21",
    ".",
    " \\boxed{",
    "21",
    "}",
  ];
  const panel = heatStrip({
    values: range(4).map(() => words.map(() => Math.exp(random.normal()))),
    tokens: words.map((word) => tokenLabel(word)),
    segments: [{ label: "question", from: 0, to: 8 }, { label: "answer", from: 8, to: 17 }],
    colours: { kind: "sequential", shape: "symlog" },
    barTitle: "|Magnitude|",
    xTitle: "",
  });
  return figureSpec([panel], { title: "Magnitude of the adapters, token by token", subtitle });
}

function scatter(): VegaLiteSpec {
  const random = stream("scatter");
  const panels = range(6).map((layer) => {
    const slope = 2 * Math.cos(layer);
    const points = range(150).map(() => {
      const x = 0.15 * random.normal();
      return [x, slope * x + 0.4 * random.normal()] as const;
    });
    const r = slope * 0.15 / Math.hypot(slope * 0.15, 0.4);
    return {
      title: `Layer ${layer}`,
      points,
      r: layer === 5 ? null : r,
      ...(layer === 5 ? {} : { interval: [r - 0.08, r + 0.08] as const, line: { slope, intercept: 0 } }),
    };
  });
  const spec = scatterPanels({ panels, xTitle: "cos(output, direction)", yTitle: "Magnitude" });
  return figureSpec(spec, { title: "Magnitude against alignment", subtitle, columns: 3, spacing: 30 });
}

function features(): VegaLiteSpec {
  const random = stream("features");
  const dots = range(12).map((rank) => {
    const difference = (rank < 6 ? 0.19 - 0.025 * rank : -0.02 - 0.02 * (rank - 6)) + 0.01 * random.uniform();
    return {
      label: `feature ${random.integer({ below: 512 })}`,
      difference,
      error: [difference - 0.04, difference + 0.04] as const,
      nullBand: [-0.07, 0.07] as const,
      note: `${(30 + 100 * difference).toFixed(0)} / 30 %`,
    };
  });
  const panel = frequencyDots({
    dots,
    xTitle: "Firing frequency, correct − incorrect",
    noteTitle: "correct / incorrect",
  });
  return figureSpec([panel], { title: "Features of the difference and correctness", subtitle });
}

function examples(): VegaLiteSpec {
  const random = stream("examples");
  const text = "To find the total, we first multiply 12 by 7: $12 \\cdot 7 = 84$.\nThen  we add 16, " +
    "so the sum is 84 + 16 = 100. Теперь проверим. Check: 100 − 16 = 84, which is 12 · 7 解.\n\nThe answer is \\boxed{100}.";
  const blocks = ["Correct", "Incorrect"].map((verdict) => ({
    heading: `${verdict}: What is 12 times 7, plus 16?`,
    tokens: (text.match(/ ?[^\s]{1,6}|\s/g) ?? []).map((piece, index) => ({
      text: piece,
      value: index === 0 ? null : Math.max(0, 2 * random.normal()) * (/\d/.test(piece) ? 2 : 0.4),
    })),
  }));
  return figureSpec([tokenText({ blocks, barTitle: "Activation" })], {
    title: "Where feature 317 is active",
    subtitle,
  });
}

function curves(): VegaLiteSpec {
  const random = stream("curves");
  const curve = (name: string, level: number) => ({
    name,
    points: range(28).map((layer) => {
      const value = level + 8 * Math.sin(layer / 9) + 1.5 * random.normal();
      return { layer, value, band: [value - 1, value + 1] as const };
    }),
  });
  const panels = ["a Base A", "b Base B"].map((title) =>
    layerCurve({
      title,
      curves: [curve("Greedy", 30), curve("τ = 1", 24)],
      references: [
        { label: "Base, greedy", value: 24.8, curve: "Greedy" },
        { label: "Base, τ = 1", value: 14.3, band: [12.6, 16], curve: "τ = 1" },
        { label: "All layers, greedy", value: 43.9, curve: "Greedy" },
        { label: "All layers, τ = 1", value: 42.9, band: [42.3, 43.5], curve: "τ = 1" },
      ],
      yTitle: "Mean accuracy (%)",
      width: 400,
    })
  );
  return figureSpec(panels, { title: "Greedy decoding narrows the gap", subtitle });
}

function groupedBars(): VegaLiteSpec {
  const series = ["Base", "Rank-1 adapter", "Steering vectors", "Full tuning"];
  const random = stream("bars");
  const groups = ["Chains", "Equations", "Word\nproblems", "Comparisons", "Sequences", "Units", "Mean"].map((
    label,
  ) => ({
    label,
    bars: series.map((series, index) => {
      const value = 40 + 14 * index + 5 * random.normal();
      return { series, value, error: [value - 3, value + 3] as const };
    }),
  }));
  const panel = accuracyBars({ groups, series: series.map((name) => ({ name })), yTitle: "Accuracy (%)" });
  return figureSpec([panel], { title: "Vectors against tuning", subtitle });
}

function table(): VegaLiteSpec {
  const panel = textTable({
    columns: [
      { title: "Setting" },
      { title: "Here" },
      { title: "Paper" },
      { title: "Step time (ms)", digits: 0 },
      { title: "Accuracy (%)" },
      { title: "Remark", mostWidth: 210 },
    ],
    rows: [
      { kind: "heading", cells: ["Steering vectors, one per layer"] },
      {
        cells: [
          "Learning rate",
          "0.05",
          "0.1",
          1234.4,
          { value: 41.12, plusMinus: 0.53 },
          "Scaled with the norm of the residual stream, layer by layer.",
        ],
      },
      { cells: ["Batch", "256 rollouts", "256 rollouts", 980, { value: 38.4, low: 36.1, high: 40.2 }, null] },
      { kind: "heading", cells: ["Full tuning"] },
      { cells: ["Optimizer bytes", "13.8 GB", "13.8 GB", null, { value: -0.04, plusMinus: 0.5 }, "—"] },
      { kind: "emphasis", cells: ["All together", "", "", 2214, { value: 42.9, plusMinus: 0.6 }, ""] },
    ],
  });
  return figureSpec([panel], { title: "Settings and what they cost", subtitle });
}

/** The figures by name, each made when asked for. */
export const GALLERY: Readonly<Record<string, () => VegaLiteSpec>> = {
  pairs,
  transfer,
  persistencePanels,
  heads,
  sources,
  positions,
  tokens,
  languages,
  histograms,
  strip,
  labelledStrip,
  scatter,
  features,
  examples,
  curves,
  groupedBars,
  table,
};
