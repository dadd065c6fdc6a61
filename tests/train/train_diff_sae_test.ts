import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError, RandomStream } from "../../lib/core/mod.ts";
import {
  type DiffSaeConfig,
  type DiffSaeStep,
  loadTrainingState,
  parseDiffSaeConfig,
  saveTrainingState,
  sparseFit,
  trainDiffSae,
} from "../../lib/train/mod.ts";
import { type SparseAutoencoder } from "../../lib/vectors/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";

const EMBED = 16, ATOMS = 24, ROWS = 3000;

/** Rows = offset + three of 24 random unit atoms with strengths in [1, 2] + a little noise. */
function planted(): { readonly atoms: readonly Float64Array[]; readonly rows: Float32Array } {
  const stream = new RandomStream(11, "planted dictionary");
  const atoms = Array.from({ length: ATOMS }, () => {
    const atom = Float64Array.from({ length: EMBED }, () => stream.normal());
    const norm = Math.hypot(...atom);
    return atom.map((value) => value / norm);
  });
  const offset = Float64Array.from({ length: EMBED }, () => stream.normal());
  const rows = new Float32Array(ROWS * EMBED);
  const indices = atoms.map((_, index) => index);
  for (let row = 0; row < ROWS; row++) {
    const sum = offset.map((value) => value + 0.02 * stream.normal());
    for (const index of stream.shuffled(indices).slice(0, 3)) {
      const strength = 1 + stream.uniform();
      (atoms[index] as Float64Array).forEach((value, e) =>
        void (sum[e] = (sum[e] as number) + strength * value)
      );
    }
    rows.set(sum.map((value) => 5 * value), row * EMBED); // another unit than the trainer's own
  }
  return { atoms, rows };
}

const CONFIG: DiffSaeConfig = {
  features: 32,
  active: 3,
  seed: 0,
  steps: 1500,
  batch: 64,
  learningRate: 0.005,
  warmupShare: 0.03,
  deadAfterSteps: 100,
};

/** For each atom the largest cosine with a decoder row. */
function recovered(atoms: readonly Float64Array[], { decoder, features }: SparseAutoencoder): number[] {
  return atoms.map((atom) =>
    Math.max(
      ...Array.from({ length: features }, (_, f) =>
        atom.reduce((sum, value, e) => sum + value * (decoder[f * EMBED + e] as number), 0)),
    )
  );
}

Deno.test("trainDiffSae() recovers a planted dictionary", () =>
  withFolder(async (folder) => {
    const { atoms, rows } = planted();
    const lines: DiffSaeStep[] = [];
    const { autoencoder, log, finished } = await trainDiffSae(rows, CONFIG, {
      embed: EMBED,
      folder,
      onStep: (line) => void lines.push(line),
    });
    assert(finished);
    assertEquals(log.length, CONFIG.steps);
    assertEquals(JSON.parse(log[7] as string), lines[7]);
    const cosines = recovered(atoms, autoencoder);
    const found = cosines.filter((cosine) => cosine > 0.9).length;
    assert(found >= 20, `${found} of ${ATOMS} atoms: ${cosines.map((cosine) => cosine.toFixed(2))}`);
    const { explainedVariance, meanActive } = sparseFit(autoencoder, rows);
    assert((explainedVariance as number) > 0.9, `explained ${explainedVariance}`);
    assert(meanActive > 2.5 && meanActive <= 3);
    // The units are those of the rows: norms of decoder rows stay 1, the rest carries the scale.
    const norms = Array.from({ length: 32 }, (_, f) =>
      Math.hypot(...autoencoder.decoder.subarray(f * EMBED, (f + 1) * EMBED)));
    assert(norms.every((norm) =>
      Math.abs(norm - 1) < 1e-6
    ));
  }));

Deno.test("trainDiffSae() revives dead features, but none at the end", () =>
  withFolder(async (folder) => {
    const { rows } = planted();
    const lines: DiffSaeStep[] = [];
    // 20 steps × 8 rows × 1 active feature fire at most 160 of the 200.
    const config = { ...CONFIG, features: 200, active: 1, batch: 8, steps: 60, deadAfterSteps: 20 };
    await trainDiffSae(rows, config, { embed: EMBED, folder, onStep: (line) => void lines.push(line) });
    assertEquals(lines.slice(0, 19).map((line) => line.dead + line.revived), new Array(19).fill(0));
    assert((lines[19] as DiffSaeStep).dead >= 40 && (lines[19] as DiffSaeStep).revived > 0);
    assert(lines.every((line) => line.revived <= line.dead && line.revived <= config.batch));
    assertEquals(lines.slice(39).map((line) => line.revived), new Array(21).fill(0));
  }));

Deno.test("trainDiffSae() resumes to the same bytes", () =>
  withFolder(async (folder) => {
    const { rows } = planted();
    // 10 steps × 2 rows × 1 active feature leave most of the 64 dead.
    const config = { ...CONFIG, features: 64, active: 1, batch: 2, steps: 50, deadAfterSteps: 10 };
    const whole = await trainDiffSae(rows, config, { embed: EMBED, folder });
    const stop = new AbortController(), part = `${folder}/part`;
    await Deno.mkdir(part);
    const first = await trainDiffSae(rows, config, {
      embed: EMBED,
      folder: part,
      signal: stop.signal,
      onStep: ({ step }) => {
        if (step === 22) stop.abort(); // after features were revived
      },
    });
    assertEquals([first.finished, first.log.length], [false, 23]);
    const resumed = await trainDiffSae(rows, config, { embed: EMBED, folder: part });
    assertEquals(resumed.autoencoder, whole.autoencoder);
    assertEquals(resumed.log, whole.log);
    assert(whole.log.some((line) => (JSON.parse(line) as DiffSaeStep).revived > 0));
  }));

Deno.test("trainDiffSae() refuses the state of another run and one that lacks a value", () =>
  withFolder(async (folder) => {
    const { rows } = planted();
    const config = { ...CONFIG, features: 8, steps: 2 };
    const run = (given: DiffSaeConfig) => trainDiffSae(rows, given, { embed: EMBED, folder, saveEvery: 1 });
    const { runHash } = await run(config);
    await assertRejects(() => run({ ...config, seed: 1 }), InputError, "has other settings");
    const state = await loadTrainingState(folder, runHash);
    assert(state !== null);
    const parameters = new Map([...state.parameters].filter(([name]) => name !== "lastFired"));
    await saveTrainingState(folder, { ...state, parameters });
    await assertRejects(() => run(config), InputError, 'no "lastFired" of 8 values');
  }));

Deno.test("trainDiffSae() refuses rows that are not whole, not finite or all alike", () =>
  withFolder(async (folder) => {
    const run = (rows: Float32Array) => trainDiffSae(rows, CONFIG, { embed: 2, folder });
    await assertRejects(() => run(Float32Array.of(1, 2, 3)), RangeError, "there are 3 in all");
    await assertRejects(() => run(new Float32Array(0)), RangeError, "there are 0 in all");
    await assertRejects(() => run(Float32Array.of(1, NaN)), RangeError, "value 1 is NaN");
    await assertRejects(() => run(Float32Array.of(1, 2, 1, 2)), RangeError, "all 2 are equal");
  }));

Deno.test("parseDiffSaeConfig() names what is wrong", () => {
  const parse = (change: object) => () => parseDiffSaeConfig({ ...CONFIG, ...change }, { where: "sae.json" });
  assertEquals(parse({})(), CONFIG);
  assertThrows(parse({ active: 33 }), InputError, "at active, no more features can be active");
  assertThrows(parse({ steps: 0 }), InputError, "bad DiffSAE config at steps");
  assertThrows(parse({ rate: 1 }), InputError, '"rate"');
});
