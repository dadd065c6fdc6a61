import { assertAlmostEquals, assertEquals } from "@std/assert";
import { controlLanguage } from "../../reproductions/control_language.ts";
import { fig15 } from "../../reproductions/fig15.ts";
import { fig16 } from "../../reproductions/fig16.ts";
import { fig17 } from "../../reproductions/fig17.ts";
import { withZooModel } from "../experiment/_tiny_zoo.ts";
import { KIND_COSINE, KIND_COUNT, withForeignZoo } from "../reproductions/_foreign_zoo.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";

Deno.test("fig15 lists the tokens that a middle layer lies against, and decides its claim", async () => {
  await withForeignZoo(async (a) => {
    const findings = await findingsOf(fig15, { a });
    checkFindings(findings);
    for (const rank of [1, 10]) {
      assertAlmostEquals(valueOf(findings, `layer_1.lowest.rank_${rank}`) ?? NaN, KIND_COSINE, 1e-6);
    }
    assertAlmostEquals(valueOf(findings, "layer_1.non_english_contrast") ?? NaN, KIND_COSINE, 1e-6);
    assertEquals(valueOf(findings, "layer_1.lowest.overlap.as_published"), 1);
    assertEquals(findings.claims.map(({ holds }) => holds), [true]);
  });
  await withForeignZoo(async (a) => {
    const [claim] = (await findingsOf(fig15, { a })).claims;
    assertAlmostEquals(claim?.effect.value ?? NaN, -KIND_COSINE, 1e-6);
    assertEquals(claim?.holds, false);
  }, { strength: -0.1 });
});

Deno.test("fig16 holds the middle layers' share against every control", async () => {
  await withForeignZoo(async (a) => {
    const findings = await findingsOf(fig16, { a });
    checkFindings(findings);
    assertEquals(valueOf(findings, "listed_tokens"), KIND_COUNT);
    assertEquals(valueOf(findings, "suppressed.layer_1.non_english"), 1);
    assertEquals(valueOf(findings, "suppressed.layer_3.plain_latin"), 1);
    assertEquals(valueOf(findings, "suppressed.middle_layers.non_english.as_published"), 1);
    assertEquals(valueOf(findings, "middle_layers_over.last_layer"), 1);
    assertAlmostEquals(valueOf(findings, "control.vocabulary.non_english") ?? NaN, 42 / 423, 1e-12);
    // Of the layers before the last one pushes them all down, one none, and one every second.
    assertEquals(valueOf(findings, "suppressed.pre_final_layers.non_english"), 0.5);
    assertEquals(valueOf(findings, "pre_final_layers_over.last_layer"), 0.5);
    assertEquals(findings.claims.map(({ claim, holds }) => [claim, holds]), [
      ["middle_layers_suppress_non_english", true],
      ["pre_final_layers_suppress_non_english", null],
    ]);
  });
  await withForeignZoo(async (a) => {
    const findings = await findingsOf(fig16, { a });
    assertEquals(valueOf(findings, "suppressed.layer_1.non_english"), 0);
    assertEquals(findings.claims.map(({ holds }) => holds), [false, false]);
  }, { strength: -0.1 });
});

Deno.test("control-language tells the last layer from the middle ones and from chance", async () => {
  await withForeignZoo(async (a) => {
    const findings = await findingsOf(controlLanguage, { a });
    checkFindings(findings);
    assertEquals(valueOf(findings, "suppressed.layer_1"), 1);
    assertEquals(valueOf(findings, "boosted.layer_1"), 0);
    assertEquals(valueOf(findings, "middle_layers_over_last"), 1);
    assertEquals(findings.claims.map(({ holds }) => holds), [true, true, false]);
  });
});

Deno.test("fig17 has the ends and the spread that the rows give", async () => {
  await withForeignZoo(async (a) => {
    const findings = await findingsOf(fig17, { a });
    checkFindings(findings);
    assertAlmostEquals(valueOf(findings, "layer_1.lowest") ?? NaN, KIND_COSINE, 1e-6);
    assertAlmostEquals(valueOf(findings, "layer_1.highest") ?? NaN, 0, 1e-6);
    assertAlmostEquals(valueOf(findings, "layer_1.quantile_1") ?? NaN, KIND_COSINE, 1e-6);
    assertAlmostEquals(valueOf(findings, "layer_0.standard_deviation") ?? NaN, 0, 1e-6);
    assertEquals(findings.claims, []);
  });
});

Deno.test("fig15 to fig17 and control-language say so where vectors of zero shift nothing", () =>
  withZooModel(async (a) => {
    for (const item of [fig15, fig16, fig17, controlLanguage]) checkFindings(await findingsOf(item, { a }));
    const findings = await findingsOf(fig15, { a });
    assertEquals(valueOf(findings, "layer_0.lowest.rank_1"), null);
    assertEquals(findings.claims[0]?.holds, null); // no row of another language has an angle
  }));
