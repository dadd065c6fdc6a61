import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { fig09 } from "../../reproductions/fig09.ts";
import { checkFindings, valueOf } from "../reproductions/_reproduction.ts";
import { scriptedFindings, tooEarly } from "../reproductions/_scripted_lab.ts";
import { withWholeZoo } from "../reproductions/_whole_zoo.ts";

const SHARES: Readonly<Record<string, number>> = {
  base: 0.2,
  all: 0.9,
  "layer-0": 0.3,
  "layer-1": 0.7,
  "layer-2": 0.4,
  "layer-3": 0.25,
};

Deno.test("fig9 measures the second model, names its last two layers, and decides its claims both ways", () =>
  withWholeZoo(async (zoo) => {
    const findings = await scriptedFindings(fig09, {
      zoo,
      share: ({ model, run, decoding }) => {
        assertEquals(model, "base-b");
        return decoding === "greedy" ? 0.5 : SHARES[run] ?? NaN;
      },
    });
    checkFindings(findings);
    assertEquals(findings.values.map(({ name, value }) => [name, value]), [
      ["accuracy.base.greedy", 50],
      ["accuracy.base.sampling", 20],
      ["accuracy.all_layers", 90],
      ["accuracy.layer_0", 30],
      ["accuracy.layer_1", 70],
      ["accuracy.layer_2", 40],
      ["accuracy.layer_3", 25],
      ["accuracy.penultimate_layer", 40],
      ["accuracy.last_layer", 25],
    ]);
    // Layer 1 alone is in the middle: 70 against the mean of 30, 40 and 25; the best layer is 20 below all.
    assertEquals(findings.claims.map(({ holds }) => holds), [true, true, true]);
    assertEquals(findings.claims.map(({ effect }) => effect.value?.toFixed(4)), [
      "38.3333",
      "20.0000",
      "0.0000",
    ]);

    const flat = await scriptedFindings(fig09, { zoo, share: ({ run }) => run === "layer-0" ? 0.5 : 0.2 });
    checkFindings(flat);
    assertEquals(flat.claims.map(({ holds }) => holds), [false, false, false]);
    assertEquals(valueOf(flat, "accuracy.last_layer"), 20);
  }));

Deno.test("fig9 misses a run before it measures anything", () =>
  withWholeZoo(async (zoo) => {
    for (const seed of [0, 1]) {
      await Deno.remove(`${zoo.entry.vectorsFolder}/layer-2.seed-${seed}.safetensors`);
    }
    await assertRejects(
      () => scriptedFindings(fig09, { zoo, share: tooEarly }),
      InputError,
      'no run "layer-2"',
    );
  }));
