import { assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { table2 } from "../../reproductions/table2.ts";
import { checkFindings, valueOf } from "../reproductions/_reproduction.ts";
import { type Asked, scriptedFindings, tooEarly } from "../reproductions/_scripted_lab.ts";
import { withWholeZoo } from "../reproductions/_whole_zoo.ts";

/** Full tuning gains 60 points on A, of which vectors give 45; on B they give 15; on A-instruct it gains nothing. */
function share({ model, run, decoding }: Asked): number {
  const [name = "", tuned] = model.split(".full");
  const full = name === "a-instruct" ? 0.2 : 0.8;
  if (tuned !== undefined) return full;
  if (run === "all") return name === "base-a" ? 0.65 : 0.35;
  if (run === "adapter-all") return 0.5;
  return decoding === "greedy" ? 0.4 : 0.2;
}

Deno.test("table2 gives shares of the full-tuning gain, and its claim holds, fails and stays open", () =>
  withWholeZoo(async (zoo) => {
    const findings = await scriptedFindings(table2, { zoo, share });
    checkFindings(findings);
    const value = (name: string) => valueOf(findings, name);
    assertEquals(value("accuracy.a.base.mean"), 20);
    assertEquals(value("accuracy.a.base_greedy.mean"), 40);
    assertEquals(value("accuracy.a.full.chain"), 80);
    assertEquals(value("accuracy.b.vectors.words"), 35);
    assertAlmostEquals(value("recovered_share.a.vectors") ?? NaN, 75, 1e-9);
    assertAlmostEquals(value("recovered_share.a.adapter") ?? NaN, 50, 1e-9);
    // The greedy base model stands 20 points nearer: (65 − 40) / (80 − 40).
    assertAlmostEquals(value("recovered_share.a.vectors.as_published") ?? NaN, 62.5, 1e-9);
    assertAlmostEquals(value("recovered_share.b.vectors") ?? NaN, 25, 1e-9);
    assertEquals(value("recovered_share.a_instruct.vectors"), null);
    assertEquals(findings.claims.map(({ claim, holds }) => [claim, holds]), [
      ["vectors_recover_most_of_full_tuning_a", true],
      ["vectors_recover_most_of_full_tuning_b", false],
      ["vectors_recover_most_of_full_tuning_a_instruct", null],
    ]);
    assertMatch(findings.claims[2]?.note ?? "", /^Open: the gain of 0 points is not established/);
    assertEquals(findings.values.length, 3 * (4 * 7 + 4));
  }));

Deno.test("table2 misses adapters and tuned models before it measures anything", () =>
  withWholeZoo(async (zoo) => {
    await Deno.remove(`${zoo.entry.vectorsFolder}/full.seed-0`, { recursive: true });
    await assertRejects(
      () => scriptedFindings(table2, { zoo, share: tooEarly }),
      InputError,
      'no run "full"',
    );
    await Deno.remove(`${zoo.entry.vectorsFolder}/adapter-all.seed-0.safetensors`);
    await assertRejects(
      () => scriptedFindings(table2, { zoo, share: tooEarly }),
      InputError,
      'no run "adapter-all"',
    );
  }));
