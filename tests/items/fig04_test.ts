import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { fig04 } from "../../reproductions/fig04.ts";
import { fig18 } from "../../reproductions/fig18.ts";
import { FREE_AXES, type TinyZoo, withZooModel, writeVectors } from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";

async function writeAxes({ entry }: TinyZoo, axes: readonly number[]): Promise<void> {
  for (const [layer, axis] of axes.entries()) {
    const path = `${entry.vectorsFolder}/layer-${layer}.seed-0.safetensors`;
    await writeVectors(path, { [layer]: 0.2 }, { axis });
  }
}
const [one, two, three, four] = FREE_AXES;

Deno.test("fig4 tells a last layer of its own from earlier layers that are alike", () =>
  withZooModel(async (a, tiny) => {
    await writeAxes(tiny, [one, one, one, two]);
    const findings = await findingsOf(fig04, { a });
    checkFindings(findings);
    assertAlmostEquals(valueOf(findings, "similarity.among_earlier") ?? NaN, 1, 1e-6);
    assertAlmostEquals(valueOf(findings, "similarity.with_last") ?? NaN, 0, 1e-6);
    assertAlmostEquals(valueOf(findings, "similarity.difference.as_published") ?? NaN, 1, 1e-6);
    assertAlmostEquals(valueOf(findings, "similarity.layer_0.layer_2") ?? NaN, 1, 1e-6);
    assertEquals(findings.claims.map(({ holds }) => holds), [true, true]);
  }));

Deno.test("fig18 says no where every layer goes its own way, or the last goes with the others", () =>
  withZooModel(async (a, tiny) => {
    await writeAxes(tiny, [one, two, three, four]);
    const apart = await findingsOf(fig18, { a });
    assertEquals(apart.claims[0]?.holds, false);
    assert(Math.abs(apart.claims[0]?.effect.value ?? NaN) < 1e-6);
    await writeAxes(tiny, [one, one, one, two]);
    await writeVectors(`${tiny.entry.vectorsFolder}/layer-3.seed-0.safetensors`, { 3: 0.2 }, { axis: one });
    await writeVectors(`${tiny.entry.vectorsFolder}/layer-1.seed-0.safetensors`, { 1: 0.2 }, { axis: three });
    const together = await findingsOf(fig18, { a });
    checkFindings(together);
    // Among earlier layers one pair of three is alike, with the last two of three.
    assertAlmostEquals(together.claims[1]?.effect.value ?? NaN, 1 / 3 - 2 / 3, 1e-6);
    assertEquals(together.claims[1]?.holds, false);
  }));

Deno.test("fig4 leaves its claims open where a vector shifts nothing, under the same names", () =>
  withZooModel(async (a, tiny) => {
    const silent = await findingsOf(fig04, { a }); // layers 0 and 2 have zero vectors
    checkFindings(silent);
    assertEquals(silent.claims.map(({ holds }) => holds), [null, null]);
    assertEquals(valueOf(silent, "similarity.layer_0.layer_1"), null);
    assertAlmostEquals(valueOf(silent, "similarity.layer_1.layer_3") ?? NaN, 1, 1e-6);
    await writeAxes(tiny, [one, one, one, two]);
    const names = (await findingsOf(fig04, { a })).values.map(({ name }) => name);
    assertEquals(silent.values.map(({ name }) => name), names);
  }));
