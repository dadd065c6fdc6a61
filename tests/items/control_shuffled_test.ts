import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { controlShuffled } from "../../reproductions/control_shuffled.ts";
import { TINY_SIZE, withZooModel, writeVectors } from "../experiment/_tiny_zoo.ts";
import { MadeUpLaboratory } from "../reproductions/_made_up_laboratory.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";

Deno.test("control-shuffled finds that order is nothing to a model whose layers only add", () =>
  withZooModel(async (a) => {
    const findings = await findingsOf(controlShuffled, {
      a,
      size: { ...TINY_SIZE, evaluationSeeds: 1 },
    });
    checkFindings(findings);
    assertEquals(findings.values.map(({ name }) => name), [
      "accuracy.base.sampling",
      "accuracy.in_place",
      ...["as_they_are", "norm_of_layer"].flatMap((name) => [
        `accuracy.shuffled.${name}`,
        `lead.in_place.${name}`,
        `normalised.kept.${name}`,
      ]),
    ]);
    // The blocks of the tiny model are zeros: the sum of its vectors is all that counts.
    assertEquals(valueOf(findings, "lead.in_place.as_they_are"), 0);
    assertEquals(findings.claims.map(({ claim, holds }) => [claim, holds]), [
      ["layers_matter_norms_as_they_are", false],
      ["layers_matter_norms_norm_of_layer", findings.claims[1]?.holds],
    ]);
  }));

Deno.test("control-shuffled puts no vector into its own layer, and tells what the layers are worth", () =>
  withZooModel(async (a) => {
    const vectors = Object.fromEntries([0.01, 0.02, 0.03, 0.04].entries());
    await writeVectors(`${a.entry.vectorsFolder}/all.seed-0.safetensors`, vectors);
    const [own] = await a.trained("all"), before = [...own?.steer ?? []];
    // Float32 vectors along one axis: those given the norm of their new layer are the vectors of that layer.
    const near = (x: Float32Array, y: Float32Array | undefined) =>
      x.every((value, i) => Math.abs(value - (y?.[i] ?? NaN)) < 1e-8);
    const kept: number[] = [];
    const made = async (shuffled: number) => {
      const lab = new MadeUpLaboratory((_, treatment) => {
        if (treatment === null) return 20;
        if (treatment.name === own?.name) return 80;
        kept.push(before.filter(([layer, vector]) => near(vector, treatment.steer?.get(layer))).length);
        return shuffled;
      });
      const findings = await findingsOf(controlShuffled, { a, lab });
      checkFindings(findings);
      return findings;
    };
    const worse = await made(50);
    assertEquals(worse.claims.map(({ holds, effect }) => [holds, effect.value]), [[true, 30], [true, 30]]);
    assertEquals(valueOf(worse, "normalised.kept.as_they_are"), 0.5);
    assertEquals(kept, [0, 0, 0, 0, 4, 4, 4, 4]);
    const same = await made(80);
    assertEquals(same.claims.map(({ holds }) => holds), [false, false]);
  }));

Deno.test("control-shuffled refuses vectors of one layer, and misses a run, before it measures anything", () =>
  withZooModel(async (a, { entry }) => {
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    const path = `${entry.vectorsFolder}/all.seed-0.safetensors`;
    await writeVectors(path, { 1: 0.1 });
    await assertRejects(() => findingsOf(controlShuffled, { a }), InputError, '"all" has vectors in 1 layer');
    await Deno.remove(path);
    await assertRejects(() => findingsOf(controlShuffled, { a }), InputError, 'no run "all"');
  }));
