import { assertAlmostEquals, assertEquals } from "@std/assert";
import { adjointEnergies, Laboratory, ResultStore } from "../../lib/experiment/mod.ts";
import { FAMILIES } from "../../lib/problems/mod.ts";
import { untrainedAdjoints } from "../../lib/train/mod.ts";
import { EMBEDDED, TINY_SIZE, withZooModel } from "./_tiny_zoo.ts";

Deno.test("adjointEnergies() are the squares of each batch's adjoint, and their products without the noise", () =>
  withZooModel(async (zoo) => {
    const size = { ...TINY_SIZE, swept: 5, evaluationSeeds: 2 };
    const lab = new Laboratory({ asked: EMBEDDED, size, seed: 3, store: new ResultStore(null) });
    const energies = await adjointEnergies(lab, zoo);
    const batches: (readonly Float32Array[])[] = [];
    for (const seed of [3, 4]) {
      batches.push(
        ...await untrainedAdjoints(zoo.model, {
          layers: [0, 1, 2, 3],
          seed,
          steps: 2,
          prompts: 12,
          samples: 16,
          maxNewTokens: size.maxNewTokens,
          families: FAMILIES,
        }),
      );
    }
    const dot = (a: Float32Array, b: Float32Array) =>
      a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
    assertEquals(energies.map(({ layer }) => layer), [0, 1, 2, 3]);
    for (const { layer, energy, perBatch, signal } of energies) {
      const own = batches.map((batch) => batch[layer] as Float32Array);
      const squares = own.map((vector) => dot(vector, vector));
      perBatch.forEach((square, batch) => assertAlmostEquals(square / (squares[batch] ?? NaN), 1, 1e-6));
      const expected = squares.reduce((sum, value) => sum + value, 0) / 4;
      assertEquals(expected > 0, true);
      assertAlmostEquals(energy / expected, 1, 1e-9);
      const pairs = own.flatMap((a, i) => own.flatMap((b, j) => i === j ? [] : [dot(a, b)]));
      assertEquals(pairs.length, 12);
      const product = pairs.reduce((sum, value) => sum + value, 0) / 12;
      assertAlmostEquals(((signal ?? NaN) - product) / expected, 0, 1e-9);
    }
  }));
