import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { fig10 } from "../../reproductions/fig10.ts";
import { checkFindings, valueOf } from "../reproductions/_reproduction.ts";
import { type Asked, scriptedFindings, tooEarly } from "../reproductions/_scripted_lab.ts";
import { withWholeZoo } from "../reproductions/_whole_zoo.ts";

/** A's layers come close to all layers when greedy, B's go away from them. */
function share({ model, run, decoding }: Asked): number {
  if (run === "base") return 0.1;
  if (run === "all") return decoding === "greedy" ? 0.95 : 0.9;
  const near = model === "base-a" ? decoding === "greedy" : decoding === "sampling";
  return (near ? 0.8 : 0.3) + (run === "layer-1" ? 0.1 : 0);
}

Deno.test("fig10 gives gaps, their narrowing and the published form, and decides its claim both ways", () =>
  withWholeZoo(async (zoo) => {
    const findings = await scriptedFindings(fig10, { zoo, share });
    checkFindings(findings);
    const value = (name: string) => valueOf(findings, name) ?? NaN;
    assertEquals(value("accuracy.a.layer_1.greedy"), 90);
    assertEquals(value("accuracy.b.all_layers.sampling"), 90);
    // Means of the single layers: 82.5 where they are near, 32.5 where they are not.
    const expected = {
      "gap.a.greedy": 12.5,
      "gap.a.sampling": 57.5,
      "gap_narrowing.a": 45,
      "gap.b.greedy": 62.5,
      "gap.b.sampling": 7.5,
      "gap_narrowing.b": -55,
      "gap.b.greedy.as_published": 57.5,
    };
    for (const [name, points] of Object.entries(expected)) assertAlmostEquals(value(name), points, 1e-9);
    assertEquals(findings.claims.map(({ claim, holds }) => [claim, holds]), [
      ["greedy_narrows_the_gap_a", true],
      ["greedy_narrows_the_gap_b", false],
    ]);
    assertEquals(findings.values.length, 2 * (2 * (2 + 4) + 2 + 1) + 1);

    const same = await scriptedFindings(fig10, {
      zoo,
      share: (asked) => share({ ...asked, decoding: "greedy" }),
    });
    checkFindings(same);
    assertEquals(same.values.map(({ name }) => name), findings.values.map(({ name }) => name));
    // Nothing changes, in every draw: the claim of a narrower gap fails.
    assertEquals(same.claims.map(({ holds, effect }) => [holds, effect.value]), [[false, 0], [false, 0]]);
  }));

Deno.test("fig10 misses a run before it measures anything", () =>
  withWholeZoo(async (zoo) => {
    await Deno.remove(`${zoo.entry.vectorsFolder}/all.seed-0.safetensors`);
    await assertRejects(() => scriptedFindings(fig10, { zoo, share: tooEarly }), InputError, 'no run "all"');
  }));
