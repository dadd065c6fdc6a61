import { assert, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { treatmentKey } from "../../lib/experiment/mod.ts";
import { controlRandom } from "../../reproductions/control_random.ts";
import { withZooModel } from "../experiment/_tiny_zoo.ts";
import { MadeUpLaboratory } from "../reproductions/_made_up_laboratory.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";

Deno.test("control-random draws directions as long as the trained vectors; those of zeros are the base model", () =>
  withZooModel(async (a) => {
    const findings = await findingsOf(controlRandom, { a });
    checkFindings(findings);
    assertEquals(findings.values.map(({ name }) => name), [
      "accuracy.base.sampling",
      "accuracy.all_layers",
      "accuracy.random.all_layers",
      ...[0, 1, 2, 3].map((layer) => `accuracy.random.layer_${layer}`),
      "gain.random.all_layers",
      "gain.random.single_layers",
      "lead.all_layers",
      "lead.single_layers",
    ]);
    // Layers 0 and 2 have vectors of zeros: one evaluation seed of the base model, drawn four times.
    assertEquals(valueOf(findings, "accuracy.random.layer_0"), valueOf(findings, "accuracy.random.layer_2"));
    const { note = "" } = findings.values.find(({ name }) => name === "accuracy.random.layer_0") ?? {};
    assertEquals(new Set(note.match(/\d+\.\d/g)).size, 1, note);
    assertEquals(findings.claims.map(({ claim }) => claim), [
      "random_all_layers_gain_nothing",
      "random_single_layers_gain_nothing",
      "trained_lead_random_all_layers",
      "trained_lead_random_single_layers",
    ]);
  }));

Deno.test("control-random gives every draw the norms of the trained vectors, and says what gains and what does not", () =>
  withZooModel(async (a) => {
    const trained = new Set<string>();
    for (const run of ["all", "layer-0", "layer-1", "layer-2", "layer-3"] as const) {
      for (const treatment of await a.trained(run)) trained.add(treatmentKey(treatment).values);
    }
    const norms: number[] = [];
    const made = async (ofTrained: number, ofRandom: number) => {
      const lab = new MadeUpLaboratory((_, treatment) => {
        if (treatment === null) return 30;
        if (trained.has(treatmentKey(treatment).values)) return ofTrained;
        norms.push(...[...treatment.steer?.values() ?? []].map((vector) => Math.hypot(...vector)));
        return ofRandom;
      });
      const findings = await findingsOf(controlRandom, { a, lab });
      checkFindings(findings);
      return findings.claims.map(({ holds }) => holds);
    };
    assertEquals(await made(80, 30), [true, true, true, true]);
    // The strengths of the shipped vectors, in float32: four draws for all layers and one layer each.
    const shipped = [0, 0.05, 0, 0.1];
    assertEquals(norms.length, 2 * 4 * shipped.length);
    assert(
      norms.every((norm) => shipped.some((strength) => Math.abs(norm - strength) < 1e-6)),
      String(norms),
    );
    assertEquals(await made(80, 60), [false, false, true, true]);
    assertEquals(await made(20, 30), [true, true, false, false]);
  }));

Deno.test("control-random misses a run before it measures anything", () =>
  withZooModel(async (a, { entry }) => {
    await Deno.remove(`${entry.vectorsFolder}/layer-3.seed-0.safetensors`);
    await Deno.remove(`${entry.vectorsFolder}/layer-3.seed-1.safetensors`);
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    await assertRejects(() => findingsOf(controlRandom, { a }), InputError, 'no run "layer-3"');
  }));
