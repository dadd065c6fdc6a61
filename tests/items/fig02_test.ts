import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { fig02 } from "../../reproductions/fig02.ts";
import { fig14 } from "../../reproductions/fig14.ts";
import { FREE_AXES, TINY_SIZE, withZooModel, writeVectors } from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";

Deno.test("fig2: in blocks of zeros shifts persist and have all of a vector on the same axis", () =>
  withZooModel(async (a) => {
    const findings = await findingsOf(fig02, { a });
    checkFindings(findings);
    assertAlmostEquals(valueOf(findings, "diff_diff.by_text.layer_1.layer_3") ?? NaN, 1, 1e-6);
    assertAlmostEquals(valueOf(findings, "diff_vector.of_means.layer_1.layer_3") ?? NaN, 1, 1e-6);
    // Layers 0 and 2 have zero vectors.
    assertEquals(valueOf(findings, "diff_diff.by_text.layer_0.layer_3"), null);
    assertEquals(valueOf(findings, "diff_vector.by_text.layer_1.layer_2"), null);
    assertEquals(valueOf(findings, "answers.texts"), 4 * TINY_SIZE.read);
    // The published matrices count the four pairs without a shift as 0, next to two of 1.
    const published = valueOf(findings, "diff_diff.by_token.downstream_mean.as_published");
    assertAlmostEquals(published ?? NaN, 2 / 6, 1e-6);
    assertEquals(findings.claims.map(({ holds }) => holds), [true, false, true]);
    assertAlmostEquals(findings.claims[1]?.effect.value ?? NaN, 1, 1e-6);
  }));

Deno.test("fig14 finds nothing of later vectors that lie on other axes, and names the same metrics", () =>
  withZooModel(async (a, { entry }) => {
    const before = (await findingsOf(fig02, { a })).values.map(({ name }) => name);
    for (const layer of [0, 1, 2, 3]) {
      const path = `${entry.vectorsFolder}/layer-${layer}.seed-0.safetensors`;
      await writeVectors(path, { [layer]: 0.2 }, { axis: FREE_AXES[layer] as number });
    }
    const findings = await findingsOf(fig14, { a });
    checkFindings(findings);
    assertEquals(findings.values.map(({ name }) => name), before);
    assertEquals(findings.claims.map(({ holds }) => holds), [true, true, true]);
    assert((valueOf(findings, "diff_vector.by_text.downstream_mean_size") ?? NaN) < 1e-6);
  }));

Deno.test("fig2 leaves its claims open where nothing lies behind a vector, and refuses vectors of zero", () =>
  withZooModel(async (a, { entry }) => {
    await writeVectors(`${entry.vectorsFolder}/layer-1.seed-0.safetensors`, { 1: 0 });
    const findings = await findingsOf(fig02, { a }); // the last layer alone is left
    checkFindings(findings);
    assertEquals(findings.claims.map(({ holds }) => holds), [null, null, true]);
    await writeVectors(`${entry.vectorsFolder}/layer-3.seed-0.safetensors`, { 3: 0 });
    await assertRejects(() => findingsOf(fig02, { a }), InputError, "shifts anything");
  }));
