import { assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { type AdjointEnergy, type Laboratory, treatmentKey } from "../../lib/experiment/mod.ts";
import { controlGradientEnergy } from "../../reproductions/control_gradient_energy.ts";
import { withZooModel, writeVectors } from "../experiment/_tiny_zoo.ts";
import { MadeUpLaboratory } from "../reproductions/_made_up_laboratory.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";

/** A laboratory whose adjoints are made up too. */
class PlannedEnergies extends MadeUpLaboratory {
  readonly #energies: readonly AdjointEnergy[];

  constructor(
    energies: readonly AdjointEnergy[],
    percent: ConstructorParameters<typeof MadeUpLaboratory>[0],
  ) {
    super(percent);
    this.#energies = energies;
  }

  override measure: Laboratory["measure"] = <T>({ kind }: { readonly kind: string }) => {
    assertEquals(kind, "adjoint energy");
    return Promise.resolve(this.#energies as T);
  };
}

Deno.test("control-gradient-energy ranks layers by their adjoints and by their gains", () =>
  withZooModel(async (a, { entry }) => {
    const layers = [0, 1, 2, 3], layerOf = new Map<string, number>();
    await Deno.remove(`${entry.vectorsFolder}/layer-3.seed-1.safetensors`);
    for (const layer of layers) {
      const path = `${entry.vectorsFolder}/layer-${layer}.seed-0.safetensors`;
      await writeVectors(path, { [layer]: 0.01 * (layer + 1) });
      const [treatment] = await a.trained(`layer-${layer}`);
      if (treatment !== undefined) layerOf.set(treatmentKey(treatment).values, layer);
    }
    const energies = [4, 3, 1, 2], signals: readonly (number | null)[] = [0.1, -0.3, 0.2, 0.3];
    const run = async (gains: readonly number[], signal = signals) => {
      const lab = new PlannedEnergies(
        layers.map((layer) => {
          const energy = energies[layer] ?? NaN;
          return { layer, energy, perBatch: [energy - 0.5, energy + 0.5], signal: signal[layer] ?? null };
        }),
        (_, treatment) =>
          treatment === null ? 20 : 20 + (gains[layerOf.get(treatmentKey(treatment).values) ?? NaN] ?? NaN),
      );
      const findings = await findingsOf(controlGradientEnergy, { a, lab });
      checkFindings(findings);
      return findings;
    };
    const mixed = await run([40, 30, 10, 50]);
    assertEquals([valueOf(mixed, "energy.layer_1"), valueOf(mixed, "signal.layer_1")], [3, -0.3]);
    assertAlmostEquals(valueOf(mixed, "gain.layer_2") ?? NaN, 10, 1e-9);
    // Ranks 4, 3, 1, 2 of the energies and 3, 2, 1, 4 of the gains: 1 − 6 · (1 + 1 + 0 + 4) / 60.
    assertAlmostEquals(valueOf(mixed, "rank_correlation.energy") ?? NaN, 0.4, 1e-9);
    // Ranks 2, 1, 3, 4 of the signals: 1 − 6 · (1 + 1 + 4 + 0) / 60.
    assertAlmostEquals(valueOf(mixed, "rank_correlation.signal") ?? NaN, 0.4, 1e-9);
    const along = await run([60, 45, 10, 25]);
    assertEquals(valueOf(along, "rank_correlation.energy"), 1);
    assertEquals(along.claims[0]?.holds, true);
    const against = await run([10, 25, 60, 45]);
    assertEquals(valueOf(against, "rank_correlation.energy"), -1);
    assertEquals(against.claims[0]?.holds, false);
    const level = await run([20, 20, 20, 20]);
    assertEquals(level.claims.map(({ holds, effect }) => [holds, effect.value]), [[null, null], [
      null,
      null,
    ]]);
    assertMatch(level.claims[0]?.note ?? "", /layers do not differ/);
    const single = await run([60, 45, 10, 25], [null, null, null, null]);
    assertEquals([valueOf(single, "signal.layer_0"), valueOf(single, "rank_correlation.signal")], [
      null,
      null,
    ]);
    assertEquals(single.values.map(({ name }) => name), mixed.values.map(({ name }) => name));
  }));

Deno.test("control-gradient-energy misses a run before it measures anything", () =>
  withZooModel(async (a, { entry }) => {
    await Deno.remove(`${entry.vectorsFolder}/layer-2.seed-0.safetensors`);
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    await assertRejects(() => findingsOf(controlGradientEnergy, { a }), InputError, 'no run "layer-2"');
  }));
