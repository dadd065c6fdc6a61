import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { featureTraces } from "../../lib/experiment/mod.ts";
import { gradeBoxed } from "../../lib/problems/mod.ts";
import { tinyBench, writeTinyAutoencoder } from "./_tiny_additions.ts";
import { STRENGTHS, withZooModel } from "./_tiny_zoo.ts";

Deno.test("featureTraces() finds at every token what the vectors up to the layer add", () =>
  withZooModel(async (zoo) => {
    for (const layer of [1, 3]) {
      const path = await writeTinyAutoencoder(zoo, { layer });
      const { lab } = tinyBench(zoo), problems = lab.problems(6);
      const difference = await zoo.differenceAutoencoder();
      const options = { zoo, difference, problems, samples: 2 };
      const { generations, meanActive, firingShare, explainedVariance } = await featureTraces(lab, options);
      assertEquals(generations.length, 12);
      assertEquals(generations.map(({ problem }) => problem), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
      const pushed = STRENGTHS.slice(0, layer + 1).reduce<number>((sum, strength) => sum + strength, 0);
      for (const { tokens, indices, values, problem, correct } of generations) {
        assertEquals([indices.length, values.length], [2 * tokens.length, 2 * tokens.length]);
        assertEquals(zoo.tokenizer.tokenText(tokens[0] as number), "\n");
        tokens.forEach((_, at) => {
          assertEquals(indices[2 * at], 0);
          // Four digits are kept.
          assertAlmostEquals(values[2 * at] as number, pushed, 1e-4);
          assertEquals(values[2 * at + 1], 0);
        });
        const said = zoo.tokenizer.decode(tokens.slice(1));
        if (said.includes("\\boxed{7}")) {
          assertEquals(correct, gradeBoxed(said, problems[problem]?.answer ?? "").correct);
        }
      }
      assertAlmostEquals(meanActive, 1, 1e-9);
      assertEquals(firingShare.map((share) => share > 0), [true, false, false, false]);
      assert(explainedVariance === null || explainedVariance <= 1);
      await Deno.remove(path);
    }
  }));

Deno.test("ZooModel.differenceAutoencoder() takes one that is of this model and its vectors, and names the vectors", () =>
  withZooModel(async (zoo, { entry }) => {
    const fault = async () => (await assertRejects(() => zoo.differenceAutoencoder(), InputError)).message;
    const missing = await fault();
    assert(
      missing.startsWith(`no autoencoder of "base-a": ${entry.vectorsFolder} (train it: deno task diff-sae`),
    );
    await writeTinyAutoencoder(zoo, { layer: 2 });
    const { layer, treatment, autoencoder } = await zoo.differenceAutoencoder();
    assertEquals([layer, treatment.name, autoencoder.active], [2, "all.seed-0", 2]);
    assertEquals(Object.keys(treatment.inputs).sort(), [
      "autoencoder.base-a.layer-2",
      "vectors.base-a.all.seed-0",
    ]);
    const other = await writeTinyAutoencoder(zoo, { layer: 1 });
    assert((await fault()).startsWith('there are 2 autoencoders of "base-a"'));
    await Deno.remove(other);
    for (const change of [{ model: "another" }, { trained: "others" }, { layer: "1" }]) {
      await writeTinyAutoencoder(zoo, { layer: 2, change });
      assert(
        (await fault()).startsWith("the autoencoder was not trained on this model"),
        JSON.stringify(change),
      );
    }
  }));
