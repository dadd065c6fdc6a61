import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { type Laboratory, NotApplicable, treatmentKey } from "../../lib/experiment/mod.ts";
import { controlContrast } from "../../reproductions/control_contrast.ts";
import { withZooModel } from "../experiment/_tiny_zoo.ts";
import { MadeUpLaboratory } from "../reproductions/_made_up_laboratory.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";

/** A laboratory whose contrasts are made up too: along one direction, of another length in each layer. */
class PlannedContrasts extends MadeUpLaboratory {
  readonly #pairs: number;

  constructor(pairs: number, percent: ConstructorParameters<typeof MadeUpLaboratory>[0]) {
    super(percent);
    this.#pairs = pairs;
  }

  override measure: Laboratory["measure"] = <T>({ kind, zoo }: Parameters<Laboratory["measure"]>[0]) => {
    assertEquals(kind, "answer contrasts");
    const { embed } = zoo.model.config;
    const vectors = [0, 1, 2, 3].map((layer) => ({
      layer,
      vector: Array.from({ length: embed }, (_, i) => i === 0 ? layer + 1 : 0),
    }));
    return Promise.resolve({ pairs: this.#pairs, vectors } as T);
  };
}

Deno.test("control-contrast gives contrasts the lengths of the trained vectors and says which gain", () =>
  withZooModel(async (a) => {
    const trained = new Set<string>(), norms: number[] = [];
    for (const run of ["all", "layer-0", "layer-1", "layer-2", "layer-3"] as const) {
      for (const treatment of await a.trained(run)) trained.add(treatmentKey(treatment).values);
    }
    const made = async (ofTrained: number, ofContrast: number) => {
      const lab = new PlannedContrasts(7, (_, treatment) => {
        if (treatment === null) return 30;
        // Layers 0 and 2 have vectors of zeros, which their contrasts of no length are too.
        if (trained.has(treatmentKey(treatment).values)) return ofTrained;
        norms.push(...[...treatment.steer?.values() ?? []].map((vector) => Math.hypot(...vector)));
        return ofContrast;
      });
      const findings = await findingsOf(controlContrast, { a, lab });
      checkFindings(findings);
      return findings;
    };
    const findings = await made(80, 30);
    const shipped = [0, 0.05, 0, 0.1];
    assert(norms.length > 0 && norms.every((norm) => shipped.some((one) => Math.abs(norm - one) < 1e-6)));
    assertEquals(valueOf(findings, "pairs"), 7);
    assertEquals(valueOf(findings, "norm.contrast.layer_2"), 3);
    assertEquals(valueOf(findings, "cosine.layer_0"), null);
    assertAlmostEquals(Math.abs(valueOf(findings, "cosine.layer_1") ?? NaN), 1, 1);
    assertEquals(findings.claims.map(({ claim, holds }) => [claim, holds]), [
      ["contrast_all_layers_gain", false],
      ["contrast_single_layers_gain", null],
      ["trained_lead_contrast_all_layers", true],
      ["trained_lead_contrast_single_layers", null],
    ]);
    assertEquals((await made(30, 80)).claims.map(({ holds }) => holds), [true, null, false, false]);
  }));

Deno.test("control-contrast does not apply where no problem is answered both ways, and misses a run first of all", () =>
  withZooModel(async (a, { entry }) => {
    const lab = new PlannedContrasts(0, () => 30);
    await assertRejects(() => findingsOf(controlContrast, { a, lab }), NotApplicable, "both right and wrong");
    await Deno.remove(`${entry.vectorsFolder}/layer-2.seed-0.safetensors`);
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    await assertRejects(() => findingsOf(controlContrast, { a }), InputError, 'no run "layer-2"');
  }));
