import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { vocabularyLens } from "../../lib/experiment/mod.ts";
import { table3 } from "../../reproductions/table3.ts";
import { table4 } from "../../reproductions/table4.ts";
import { withZooModel, writeVectors } from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";

/** Row of "To": what follows a line break, and the push of 80 logits per unit. */
const PUSH = 80 / Math.sqrt(20), FOLLOWS = (30 + Math.log(0.2)) / Math.sqrt(20);

Deno.test("table3 has the opener on top of the vector that pushes it", () =>
  withZooModel(async (a) => {
    const findings = await findingsOf(table3, { a });
    checkFindings(findings);
    const cosine = PUSH / Math.hypot(PUSH, FOLLOWS);
    assertAlmostEquals(valueOf(findings, "layer_3.vector_cosine.rank_1") ?? NaN, cosine, 1e-6);
    assertAlmostEquals(valueOf(findings, "layer_3.vector_cosine.rank_1.dot") ?? NaN, 0.1 * PUSH, 1e-5);
    assertAlmostEquals(valueOf(findings, "layer_3.propagated_cosine.rank_1") ?? NaN, cosine, 1e-5);
    // A vector alone is divided by the root of its mean square and ε.
    const through = 0.1 / Math.sqrt(0.1 ** 2 / 20 + 1e-6) * PUSH;
    assertAlmostEquals(valueOf(findings, "layer_3.vector_norm.rank_1") ?? NaN, through, 1e-4);
    assertEquals(valueOf(findings, "opener.layer_3.vector_cosine.rank"), 1);
    assertEquals(valueOf(findings, "layer_0.vector_dot.rank_1"), null);
    const [claim] = findings.claims;
    assertEquals(claim?.holds, true);
    assertAlmostEquals(claim?.effect.value ?? NaN, cosine, 1e-6); // the others lie at right angles
  }));

Deno.test("table4 has the opener at the bottom of a vector that holds it back, and table3 says no", () =>
  withZooModel(async (a, { entry }) => {
    await writeVectors(`${entry.vectorsFolder}/layer-3.seed-0.safetensors`, { 3: -0.1 });
    const bottom = await findingsOf(table4, { a });
    checkFindings(bottom);
    const cosine = PUSH / Math.hypot(PUSH, FOLLOWS);
    assertAlmostEquals(valueOf(bottom, "layer_3.vector_cosine.rank_1") ?? NaN, -cosine, 1e-6);
    assertEquals(bottom.claims, []);
    const top = await findingsOf(table3, { a });
    checkFindings(top);
    assertEquals(top.claims[0]?.holds, false);
    assert((valueOf(top, "opener.layer_3.vector_cosine.rank") ?? 0) > 1);
  }));

Deno.test("vocabularyLens() reads the unembedding, the gain and the texts of a model", () =>
  withZooModel(async (a) => {
    const { lens, finalNorm, texts, languages } = await vocabularyLens(a);
    assertEquals([lens.vocab, lens.embed, finalNorm.gain.length], [423, 20, 20]);
    const opener = texts.indexOf("To");
    assertEquals([opener, languages[opener]], [a.tokenizer.tokenId("To"), "latin"]);
    const push = new Float64Array(20).fill(0);
    push[8] = 1;
    assertAlmostEquals(lens.read(push).dot[opener] ?? NaN, PUSH, 1e-5);
  }));
