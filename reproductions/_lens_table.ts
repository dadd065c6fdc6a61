import { type LensReading, type LensToken, lensTokens, throughFinalNorm } from "../lib/analysis/mod.ts";
import {
  type Bench,
  type Findings,
  propagation,
  type Reproduction,
  type RunName,
  type VocabularyLens,
  vocabularyLens,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import {
  type ClaimResult,
  figureSpec,
  type MetricValue,
  type TableRow,
  textTable,
  tokenLabel,
} from "../lib/report/mod.ts";
import { isNamed } from "./_languages.ts";
import { metricOrNull } from "./_layers.ts";
import { readPropagated, readSeeds, type SeedReadings } from "./_lens.ts";

/** Tokens of each reading in the metrics, and in the drawing. */
const RANKS = 5, SHOWN = 4;

/** A way to rank tokens: what is read, and by which number. */
const READINGS = [
  { key: "vector_cosine", title: "s, raw:\ncosine", rankBy: "cosine", unit: "cosine", digits: 2 },
  { key: "vector_dot", title: "s, raw:\nproduct", rankBy: "dot", unit: "logits", digits: 1 },
  {
    key: "vector_norm",
    title: "s through the\nfinal norm: product",
    rankBy: "dot",
    unit: "logits",
    digits: 1,
  },
  {
    key: "propagated_cosine",
    title: "Propagated, raw:\ncosine",
    rankBy: "cosine",
    unit: "cosine",
    digits: 2,
  },
  {
    key: "propagated_logits",
    title: "Propagated:\nchange of logits",
    rankBy: "dot",
    unit: "logits",
    digits: 1,
  },
] as const;
type ReadingKey = typeof READINGS[number]["key"];
type LayerReadings = Readonly<Record<ReadingKey, SeedReadings | null>>;

const ZERO = "Not applicable: the vector is zero.";

async function readLayers(
  { lab, zoo, frame }: { readonly lab: Bench["lab"]; readonly zoo: ZooModel; readonly frame: VocabularyLens },
): Promise<readonly LayerReadings[]> {
  const { lens, finalNorm } = frame;
  const found = await propagation(lab, zoo), propagated = readPropagated(lens, found);
  const layers: LayerReadings[] = [];
  for (let layer = 0; layer < zoo.layers; layer++) {
    const runs = await zoo.trained(`layer-${layer}` satisfies RunName);
    const vectors = runs.slice(0, found.length).map(({ steer }) => steer?.get(layer) as Float32Array);
    const raw = readSeeds(lens, vectors);
    layers.push({
      vector_cosine: raw,
      vector_dot: raw,
      vector_norm: readSeeds(lens, vectors.map((vector) => throughFinalNorm(vector, finalNorm))),
      propagated_cosine: propagated[layer]?.raw ?? null,
      propagated_logits: propagated[layer]?.logits ?? null,
    });
  }
  return layers;
}

/** Place of a token among the named ones, 1 for the strongest; null where its row has no angle. */
function rankOf(
  token: number,
  options: {
    readonly reading: LensReading;
    readonly rankBy: "cosine" | "dot";
    readonly frame: VocabularyLens;
  },
): number | null {
  const { reading, rankBy, frame } = options, named = isNamed(frame), values = reading[rankBy];
  const own = values[token] as number;
  if (Number.isNaN(own)) return null;
  return 1 + values.reduce((count, value, other) => count + (value > own && named(other) ? 1 : 0), 0);
}

/** The opener's cosine minus the highest of the other tokens. */
function marginOf(
  token: number,
  options: { readonly reading: LensReading; readonly frame: VocabularyLens },
): number {
  const { reading, frame } = options, named = isNamed(frame);
  const [best] = lensTokens(reading, { count: 1, eligible: (other) => other !== token && named(other) });
  return (reading.cosine[token] as number) - (best?.cosine ?? -1);
}

function openerFindings(
  layers: readonly LayerReadings[],
  options: { readonly zoo: ZooModel; readonly frame: VocabularyLens },
): { readonly values: readonly MetricValue[]; readonly claim: ClaimResult } {
  const { zoo, frame } = options, opener = zoo.tokenizer.tokenId(zoo.entry.opener);
  const values = layers.flatMap((readings, layer) =>
    READINGS.map(({ key, rankBy }) => {
      const reading = readings[key];
      return metricOrNull({
        name: `opener.layer_${layer}.${key}.rank`,
        value: reading === null || opener === null
          ? null
          : rankOf(opener, { reading: reading.mean, rankBy, frame }),
        unit: "rank",
        note: "1 is the top.",
      }, "Not applicable: the vector is zero, or the opener is no token with an angle.");
    })
  );
  const last = layers.at(-1)?.vector_cosine ?? null;
  const margins = opener === null || last === null || !frame.lens.hasAngle(opener)
    ? null
    : last.perSeed.map((reading) => marginOf(opener, { reading, frame }));
  const smallest = margins === null ? null : Math.min(...margins);
  return {
    values,
    claim: {
      claim: "last_layer_opener_on_top",
      statement: "The opener is the top token of the last layer's vector.",
      holds: smallest === null ? null : smallest > 0,
      effect: {
        name: "cosine of the opener minus the highest of the other tokens, smallest of the training seeds",
        value: smallest,
        unit: "cosine",
      },
      interval: null,
      note: margins === null
        ? "Not applicable: the vector is zero, or the opener is no token with an angle."
        : `Raw cosine, as published. Nothing is sampled; the training seeds give ${
          margins.map((margin) => margin.toFixed(3)).join(", ")
        }, and all must lie above 0.`,
    },
  };
}

/** Tables 3 and 4: tokens at one end of every reading of every layer's vector. */
async function lensTableFindings(
  { lab, open }: Bench,
  options: { readonly side: "top" | "bottom"; readonly title: string },
): Promise<Findings> {
  const { side, title } = options, zoo = await open("a");
  const frame = await vocabularyLens(zoo), layers = await readLayers({ lab, zoo, frame });
  const values: MetricValue[] = [], rows: TableRow[] = [];
  layers.forEach((readings, layer) => {
    const cells = READINGS.map(({ key, rankBy, unit, digits }) => {
      const reading = readings[key];
      const tokens: readonly LensToken[] = reading === null
        ? []
        : lensTokens(reading.mean, { side, count: RANKS, rankBy, eligible: isNamed(frame) });
      const name = `layer_${layer}.${key}`;
      for (let rank = 0; rank < RANKS; rank++) {
        const token = tokens[rank];
        const note = token === undefined ? "" : JSON.stringify(frame.texts[token.token]);
        values.push(metricOrNull(
          { name: `${name}.rank_${rank + 1}`, value: token?.[rankBy] ?? null, unit, note },
          reading === null ? ZERO : "Not applicable: fewer tokens have an angle.",
        ));
        // The published table gives both numbers of the tokens that the cosine ranks.
        if (key !== "vector_cosine") continue;
        values.push(metricOrNull(
          { name: `${name}.rank_${rank + 1}.dot`, value: token?.dot ?? null, unit: "logits", note },
          reading === null ? ZERO : "Not applicable: fewer tokens have an angle.",
        ));
      }
      if (tokens.length === 0) return null;
      return tokens.slice(0, SHOWN).map((token) =>
        `${tokenLabel(frame.texts[token.token] as string, { most: 14 })} ${
          (token[rankBy] ?? 0).toFixed(digits).replace("-", "−")
        }`
      ).join("\n");
    });
    rows.push({ cells: [String(layer), ...cells] });
  });
  const opener = openerFindings(layers, { zoo, frame });
  if (side === "top") values.push(...opener.values);
  const spec = figureSpec([
    textTable({
      columns: [{ title: "Layer" }, ...READINGS.map(({ title }) => ({ title }))],
      rows,
    }),
  ], {
    title,
    subtitle: [
      `${zoo.entry.name}, the ${SHOWN} ${
        side === "top" ? "highest" : "lowest"
      } tokens of each reading, strongest first; mean of training seeds.`,
      "Propagated: mean shift that s causes behind the last block, and behind the final norm, at answer positions.",
      "The number of the paper's table is inferred.",
    ],
  });
  return { spec, values, claims: side === "top" ? [opener.claim] : [] };
}

const differences = [
  "Next to the published raw reading (no norm, no gain) stand the vector through the final norm and the mean change of the logits.",
  "Products are float64; the published ones are bfloat16.",
  "Rows of the unembedding without a token are left out.",
  "Readings are means over training seeds; the published ones are of one run.",
];

const table3Title = "Tokens that each layer's vector reads as";
/** Table 3 (inferred): top tokens of each layer's vector, read directly and after propagation. */
export const table3: Reproduction = {
  id: "table3",
  slug: "logit-lens",
  title: table3Title,
  itemClass: "inferred",
  differences,
  run: (bench) => lensTableFindings(bench, { side: "top", title: table3Title }),
};

const table4Title = "Tokens that each layer's vector is opposed to";
/** Table 4 (inferred): bottom tokens of each layer's vector, read directly and after propagation. */
export const table4: Reproduction = {
  id: "table4",
  slug: "suppressed-table",
  title: table4Title,
  itemClass: "inferred",
  differences,
  run: (bench) => lensTableFindings(bench, { side: "bottom", title: table4Title }),
};
