import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import type { AdapterTrace } from "../../lib/experiment/mod.ts";
import { fig22 } from "../../reproductions/fig22.ts";
import { fig23 } from "../../reproductions/fig23.ts";
import { fig24 } from "../../reproductions/fig24.ts";
import { fig25 } from "../../reproductions/fig25.ts";
import { fig26 } from "../../reproductions/fig26.ts";
import { PlantedStore, writeTinyAdapters } from "../experiment/_tiny_additions.ts";
import { withZooModel } from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";

const LAYERS = [0, 1, 2, 3];
/** Layer whose adapter has the other sign: −A and B. */
const TURNED = 1;

/** Two tokens of each segment; `salient` on the instruction, `other` elsewhere; outputs of length 2, cos = |m| / 10. */
function planted(salient: number, other: number): PlantedStore {
  const sizes = [other, other, salient, salient, salient, salient, other, other];
  return new PlantedStore({
    "adapter traces": ({ settings }) => {
      const { layer } = settings as { readonly layer: number };
      const trace: AdapterTrace = {
        magnitudes: sizes.map((size) => layer === TURNED ? -size : size),
        outputNorms: sizes.map(() => 2),
        alignments: sizes.map((size) => size / 10),
        segments: [
          { segment: "template", from: 0, to: 2 },
          { segment: "system", from: 2, to: 4 },
          { segment: "question", from: 4, to: 6 },
          { segment: "answer", from: 6, to: 8 },
        ],
      };
      return [trace, trace, trace];
    },
  });
}

Deno.test("fig22 decides by the magnitude per token of the instruction", () =>
  withZooModel(async (a) => {
    await writeTinyAdapters(a);
    for (const [salient, other, holds] of [[3, 1, true], [1, 3, false]] as const) {
      const findings = await findingsOf(fig22, { a, store: planted(salient, other) });
      checkFindings(findings);
      const text = salient / ((salient + other) / 2), prompt = salient / ((4 * salient + 2 * other) / 6);
      assertAlmostEquals(valueOf(findings, "concentration.salient.within_text") ?? NaN, text, 1e-9);
      assertAlmostEquals(valueOf(findings, "concentration.salient.within_prompt") ?? NaN, prompt, 1e-9);
      assertEquals(findings.claims.map((claim) => claim.holds), [holds, holds]);
      for (const layer of LAYERS) {
        const share = valueOf(findings, `share.question.layer_${layer}`) ?? NaN;
        assertAlmostEquals(share, 2 * salient / (4 * salient + 4 * other), 1e-9);
        assertAlmostEquals(valueOf(findings, `concentration.answer.layer_${layer}`) ?? NaN, other / 2, 1e-9);
      }
    }
  }));

Deno.test("fig22 to fig25 of adapters that add nothing have every metric, and no verdict", () =>
  withZooModel(async (a) => {
    await writeTinyAdapters(a); // the tiny model's MLPs are silent
    const findings = await findingsOf(fig22, { a });
    checkFindings(findings);
    const names = findings.values.map(({ name }) => name);
    assertEquals(
      names,
      (await findingsOf(fig22, { a, store: planted(3, 1) })).values.map(({ name }) => name),
    );
    assertEquals(findings.claims.map(({ holds }) => holds), [null, null]);
    for (const item of [fig23, fig24, fig25]) {
      const silent = await findingsOf(item, { a });
      checkFindings(silent);
      assertEquals(silent.claims, []);
      const loud = await findingsOf(item, { a, store: planted(3, 1) });
      assertEquals(silent.values.map(({ name }) => name), loud.values.map(({ name }) => name));
      assert(silent.values.every(({ value }) => value === null), item.id);
    }
  }));

Deno.test("fig23 and fig24 turn an adapter whose magnitudes are negative, and divide by the mean output norm", () =>
  withZooModel(async (a) => {
    await writeTinyAdapters(a);
    const store = planted(3, 1);
    const byLayer = await findingsOf(fig23, { a, store }), histograms = await findingsOf(fig24, { a, store });
    checkFindings(byLayer);
    checkFindings(histograms);
    for (const layer of LAYERS) {
      // 3 and 1 half of the time each, over 2
      for (const kind of ["mean", "median", "mean_absolute"]) {
        assertAlmostEquals(valueOf(byLayer, `relative_${kind}.layer_${layer}`) ?? NaN, 1, 1e-12);
      }
      const read = ["quantile_05", "quantile_50", "quantile_95", "positive_share"].map((name) =>
        valueOf(histograms, `${name}.layer_${layer}`)
      );
      assertEquals(read, [0.5, 1, 1.5, 1]);
    }
  }));

Deno.test("fig25 leaves r alone where magnitudes are turned; the published r is not", () =>
  withZooModel(async (a) => {
    await writeTinyAdapters(a);
    const findings = await findingsOf(fig25, { a, store: planted(3, 1) });
    checkFindings(findings);
    for (const layer of LAYERS) {
      assertAlmostEquals(valueOf(findings, `r.layer_${layer}`) ?? NaN, layer === TURNED ? -1 : 1, 1e-9);
      assertAlmostEquals(valueOf(findings, `r.layer_${layer}.as_published`) ?? NaN, 1, 1e-9);
    }
  }));

Deno.test("fig26 has the cosines and stable ranks of directions made by hand", () =>
  withZooModel(async (a) => {
    await writeTinyAdapters(a); // b_l = e_l + e_19: cosines 1/2, Gram matrix (I + J)/2 with eigenvalues 2.5, 0.5, 0.5, 0.5
    const findings = await findingsOf(fig26, { a });
    checkFindings(findings);
    assertAlmostEquals(valueOf(findings, "cosine.adapters.mean_between_layers") ?? NaN, 0.5, 1e-6);
    assertAlmostEquals(valueOf(findings, "stable_rank.adapters") ?? NaN, 4 / 2.5, 1e-6);
    assertAlmostEquals(valueOf(findings, "singular_value.adapters.1") ?? NaN, Math.sqrt(2.5), 1e-6);
    // Layers 1 and 3 push along one axis; layers 0 and 2 have no direction.
    for (const set of ["vectors", "joint_vectors"]) {
      assertAlmostEquals(valueOf(findings, `cosine.${set}.mean_between_layers`) ?? NaN, 1, 1e-6);
      assertAlmostEquals(valueOf(findings, `stable_rank.${set}`) ?? NaN, 1, 1e-6);
    }
    assertAlmostEquals(
      valueOf(findings, "cosine.random.mean_absolute") ?? NaN,
      Math.sqrt(0.1 / Math.PI),
      1e-8,
    );
    assertEquals(findings.claims, []);
  }));

Deno.test("fig22 to fig26 miss an adapter before they measure anything", () =>
  withZooModel(async (a, { entry }) => {
    await writeTinyAdapters(a);
    await Deno.remove(`${entry.vectorsFolder}/adapter-2.seed-0.safetensors`);
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    for (const item of [fig22, fig23, fig24, fig25, fig26]) {
      await assertRejects(() => findingsOf(item, { a }), InputError, 'no run "adapter-2"');
    }
  }));
