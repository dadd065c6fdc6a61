/**
 * fig26 (the number is our assignment, Appendix S): directions of rank-1 adapters and of vectors across layers.
 *
 * @module
 */
import { vectorGeometry } from "../lib/analysis/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import type { Bench, Findings, Reproduction, RunName, ZooModel } from "../lib/experiment/mod.ts";
import { figureSpec, heatMap, layerCurve, type MetricValue } from "../lib/report/mod.ts";
import { adaptedLayers, ADAPTER_DIFFERENCES, INFERRED } from "./_adapters.ts";

/** The vector of a layer in the first training seed of a run. */
async function vectorOf(a: ZooModel, run: RunName, layer: number): Promise<Float32Array> {
  const [treatment] = await a.trained(run), vector = treatment?.steer?.get(layer);
  if (vector !== undefined) return vector;
  throw new InputError(`"${run}" has no vector at layer ${layer}`, {
    where: a.entry.vectorsFolder,
    repair: "train it again",
  });
}

/** Mean of the cosines between different layers; null where there are none. */
function meanBetween(cosines: readonly (readonly (number | null)[])[]): number | null {
  const between = cosines.flatMap((row, i) => row.filter((value, j) => i < j && value !== null) as number[]);
  return between.length === 0 ? null : between.reduce((sum, value) => sum + value, 0) / between.length;
}

async function run({ open }: Bench): Promise<Findings> {
  const a = await open("a"), { embed } = a.model.config;
  const adapted = await adaptedLayers(a);
  const layers = adapted.map(({ layer }) => layer);
  const directions = adapted.map(({ layer, treatment }) => {
    const adapter = treatment.adapters?.get(layer);
    if (adapter !== undefined) return adapter.output;
    throw new InputError(`"${treatment.name}" has no adapter at layer ${layer}`, {
      where: a.entry.vectorsFolder,
      repair: "train it again",
    });
  });
  const isolated: Float32Array[] = [], joint: Float32Array[] = [];
  for (const layer of layers) {
    isolated.push(await vectorOf(a, `layer-${layer}`, layer));
    joint.push(await vectorOf(a, "all", layer));
  }
  const sets = [
    { key: "adapters", name: "Adapter directions", vectors: directions, sign: "drop" },
    { key: "vectors", name: "Vectors trained alone", vectors: isolated, sign: "keep" },
    { key: "joint_vectors", name: "Vectors trained together", vectors: joint, sign: "keep" },
  ] as const;
  const values: MetricValue[] = [];
  const read = sets.map(({ key, name, vectors, sign }) => {
    const geometry = vectorGeometry(vectors, { scale: "unit", sign });
    const between = meanBetween(geometry.cosines);
    const open = { note: "Not applicable: there are no two directions that are not zero." };
    values.push(
      {
        name: `cosine.${key}.mean_between_layers`,
        value: between,
        unit: "cosine",
        ...(between === null
          ? open
          : sign === "drop"
          ? { note: "Absolute values: the sign is a convention." }
          : {}),
      },
      {
        name: `stable_rank.${key}`,
        value: geometry.stableRank,
        unit: "dimensions",
        ...(geometry.stableRank === null ? open : {}),
      },
      ...geometry.singularValues.map((value, place) => ({
        name: `singular_value.${key}.${place + 1}`,
        value,
        unit: "length",
      })),
    );
    return { key, name, geometry };
  });
  values.push({
    name: "cosine.random.mean_absolute",
    value: Math.sqrt(2 / (Math.PI * embed)),
    unit: "cosine",
    note: `Mean |cosine| of random directions in ${embed} dimensions, √(2/(π embed)).`,
  });
  // A heat map of zero vectors has no cell to colour; the diagonal of any other set is 1.
  const maps = read.filter(({ geometry }) => geometry.cosines.flat().some((value) => value !== null)).map((
    { key, name, geometry },
    place,
  ) =>
    heatMap({
      title: `${"abc"[place]}  ${name}`,
      values: geometry.cosines,
      rowTitle: "Layer",
      columnTitle: "Layer",
      barTitle: key === "adapters" ? "|Cosine|" : "Cosine",
      cellDigits: 2,
      colours: key === "adapters" ? { kind: "sequential", high: 1 } : { kind: "diverging", low: -1, high: 1 },
    })
  );
  const spec = figureSpec([
    ...maps,
    layerCurve({
      title: `${"abcd"[maps.length]}  Singular values, each direction at length 1`,
      curves: read.map(({ name, geometry }) => ({
        name,
        points: geometry.singularValues.map((value, place) => ({ layer: place + 1, value })),
      })),
      xTitle: "Place",
      yTitle: "Singular value",
      width: 400,
    }),
  ], {
    title: "Directions of rank-1 adapters and of vectors across layers",
    subtitle: [
      `${a.entry.name}, first training seed of each run. ${INFERRED}`,
      `Stable ranks (Σσ²/σ₁²): ${
        read.map(({ name, geometry }) => `${name.toLowerCase()} ${geometry.stableRank?.toFixed(2) ?? "none"}`)
          .join("; ")
      }.`,
    ],
    columns: 2,
  });
  return { spec, values, claims: [] };
}

/** Fig 26 (inferred): cosines of adapters' directions across layers, singular values, stable rank; same for vectors. */
export const fig26: Reproduction = {
  id: "fig26",
  slug: "adaptive-directions",
  title: "Directions of rank-1 adapters and of vectors across layers",
  itemClass: "inferred",
  differences: [
    ADAPTER_DIFFERENCES[0] as string,
    "Cosines of adapters are absolute values, as A and B may change sign together; the published ones are signed.",
  ],
  run,
};
