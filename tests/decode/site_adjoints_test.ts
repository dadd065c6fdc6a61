import { assert, assertEquals, assertRejects } from "@std/assert";
import { RandomStream, type Tensor, tensor } from "../../lib/core/mod.ts";
import {
  type LanguageModel,
  logitDifference,
  type ObjectiveRow,
  type Patch,
  type SteeringVectors,
} from "../../lib/decode/mod.ts";
import { type SiteKind, siteKindsOf, type SiteName, siteName } from "../../lib/model/mod.ts";
import { randomVectors, withEachFamily, withTinyModel } from "./_tiny_model.ts";

const ROWS: readonly ObjectiveRow[] = [
  {
    tokens: [3, 14, 15, 9, 26, 5],
    targets: [{ position: 2, token: 9, weight: 0.5 }, { position: 5, token: 35, weight: -2 }],
  },
  { tokens: [27, 1, 8], targets: logitDifference({ position: 2, plus: 28, minus: 18 }) },
];

/** The objective of each row when sites are replaced. */
async function objectives(
  model: LanguageModel,
  patches: ReadonlyMap<SiteName, Patch>,
  steer: SteeringVectors = new Map(),
): Promise<number[]> {
  const { logits } = await model.run(ROWS.map(({ tokens }) => tokens), { patches, steer });
  const { vocab } = model.config, seq = 6;
  return ROWS.map(({ targets }, row) =>
    targets.reduce((sum, { position, token, weight }) => {
      const scores = Array.from(
        logits?.data.subarray((row * seq + position) * vocab).subarray(0, vocab) ?? [],
      );
      const most = Math.max(...scores);
      const normaliser = most + Math.log(scores.reduce((total, score) => total + Math.exp(score - most), 0));
      return sum + weight * ((scores[token] as number) - normaliser);
    }, 0)
  );
}

/** A tensor moved a little along a random direction, and that direction. */
function moved(from: Tensor<"float32">, key: string, step: number) {
  const random = new RandomStream(11, key);
  const direction = Float32Array.from(from.data, () => random.normal());
  const value = tensor("float32", from.dims, from.data.map((x, i) => x + step * (direction[i] as number)));
  return { value, direction };
}

/** Σ over one row of a [batch, …] tensor of a product. */
function dotOfRow(a: ArrayLike<number>, b: ArrayLike<number>, row: number): number {
  const size = a.length / ROWS.length;
  let sum = 0;
  for (let i = row * size; i < (row + 1) * size; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

Deno.test("siteAdjoints() says how the objective of each row changes with every site, as central differences do", () =>
  withEachFamily(async (model) => {
    const steer = randomVectors(model.config, [0]);
    for (const kind of siteKindsOf(model.config)) {
      // Weights are no longer a distribution when they are moved, which is no matter: the mixture is linear in them.
      const sites = [0, 1].map((layer) => siteName({ layer, kind: kind as SiteKind }));
      const { taps, adjoints } = await model.siteAdjoints(ROWS, { sites, steer });
      for (const site of sites) {
        const at = taps.get(site) as Tensor<"float32">, adjoint = adjoints.get(site) as Tensor<"float32">;
        assertEquals(adjoint.dims, at.dims);
        const step = 2e-3, up = moved(at, site, step), down = moved(at, site, -step);
        const above = await objectives(model, new Map([[site, { value: up.value }]]), steer);
        const below = await objectives(model, new Map([[site, { value: down.value }]]), steer);
        ROWS.forEach((_, row) => {
          const measured = ((above[row] as number) - (below[row] as number)) / (2 * step);
          const expected = dotOfRow(adjoint.data, up.direction, row);
          // Float32 scores of some units, differed over 4e-3: a thousandth.
          assert(
            Math.abs(measured - expected) < 5e-3 * (1 + Math.abs(expected)),
            `${site} row ${row}: ${measured}, ${expected}`,
          );
        });
      }
    }
  }));

Deno.test("siteAdjoints() gives the values and log-probabilities of run() and logProbs(), and nothing beyond the targets", () =>
  withTinyModel(async (model) => {
    const sites: SiteName[] = ["blocks.0.resid_post", "blocks.1.q"];
    const { taps, adjoints, logProbs } = await model.siteAdjoints(ROWS, { sites });
    const plain = await model.run(ROWS.map(({ tokens }) => tokens), { taps: sites, logits: false });
    for (const site of sites) assertEquals(taps.get(site), plain.taps.get(site));
    const [first] = await model.logProbs([{ tokens: [...ROWS[0]?.tokens ?? [], 35], from: 6 }]);
    assert(Math.abs((logProbs[0]?.[1] as number) - (first?.[0] as number)) < 1e-5);
    assertEquals(logProbs.map((row) => row.length), [2, 2]);
    const { embed } = model.config, adjoint = adjoints.get("blocks.0.resid_post") as Tensor<"float32">;
    // Row 1 has three tokens; padding has a weight of e⁻⁴⁰ in attention that nobody looks at.
    assert(adjoint.data.slice(9 * embed).every((value) => Math.abs(value) < 1e-16));
    assert(adjoint.data.slice(8 * embed, 9 * embed).every((value) => value !== 0));
    // Adjoints of the residual stream are those of a vector added there, summed over positions.
    const steer = new Map([[0, new Float32Array(embed)]]);
    const weighted = [{ tokens: [...ROWS[0]?.tokens ?? [], 35], from: 6, weight: 2 }];
    const { adjoints: vectors } = await model.steeringAdjoint(weighted, { steer });
    const { adjoints: of } = await model.siteAdjoints([{
      tokens: ROWS[0]?.tokens ?? [],
      targets: [{ position: 5, token: 35, weight: -2 }],
    }], { sites: ["blocks.0.resid_post"] });
    const sums = Float32Array.from(
      { length: embed },
      (_, i) =>
        Array.from({ length: 6 }, (_, t) => of.get("blocks.0.resid_post")?.data[t * embed + i] as number)
          .reduce((a, b) => a + b, 0),
    );
    const largest = Math.max(...sums.map(Math.abs));
    sums.forEach((sum, i) => assert(Math.abs(sum - (vectors.get(0)?.[i] as number)) < 1e-5 * largest));
  }));

Deno.test("siteAdjoints() refuses objectives that a model has not, by row", () =>
  withTinyModel(async (model) => {
    const sites: SiteName[] = ["blocks.0.q"], tokens = [1, 2, 3];
    const wrong: readonly (readonly [ObjectiveRow["targets"], string])[] = [
      [
        [{ position: 3, token: 1, weight: 1 }],
        "objective of row 1 as positions must lie in [0, 3): current value is 3",
      ],
      [[{ position: -1, token: 1, weight: 1 }], "current value is -1"],
      [[{ position: 0, token: 61, weight: 1 }], "token ids must lie in [0, 61): current value is 61"],
      [[{ position: 0, token: 1, weight: NaN }], "weights must be finite: current value is NaN"],
    ];
    for (const [targets, message] of wrong) {
      const rows = [{ tokens, targets: [{ position: 0, token: 1, weight: 1 }] }, { tokens, targets }];
      await assertRejects(() => model.siteAdjoints(rows, { sites }), RangeError, message);
    }
    await assertRejects(
      () => model.siteAdjoints([{ tokens, targets: [] }], { sites }),
      RangeError,
      "must have a target",
    );
    await assertRejects(
      () =>
        model.siteAdjoints([{ tokens, targets: [{ position: 0, token: 1, weight: 1 }] }], {
          sites: ["blocks.9.q"],
        }),
      RangeError,
      "layer must be < 2",
    );
  }));
