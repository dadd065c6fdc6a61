import { mean } from "../core/mod.ts";
import { PROBLEM_FAMILIES, type ProblemFamily } from "../problems/mod.ts";
import { trainingProblems, untrainedAdjoints } from "../train/mod.ts";
import type { Laboratory } from "./laboratory.ts";
import { NotApplicable } from "./not_applicable.ts";
import type { Treatment } from "./treatment.ts";
import type { ZooModel } from "./zoo_model.ts";

/** Problems and completions of a batch, as the shipped runs have them. */
const BATCH = { prompts: 12, samples: 16 } as const;

/** How much of the objective's adjoint falls on the vector of one layer before anything is trained. */
export interface AdjointEnergy {
  /** The layer. */
  readonly layer: number;
  /** Mean of ‖g‖² over batches: what a first update sees, its noise included. */
  readonly energy: number;
  /** ‖g‖² of each batch. */
  readonly perBatch: readonly number[];
  /** Mean of gᵢ·gⱼ over pairs of batches: ‖E g‖², without the noise; null for a single batch. It may be negative. */
  readonly signal: number | null;
}

/** Energies from [batch][embed] adjoints of one layer. */
function energyOf(layer: number, batches: readonly Float32Array[]): AdjointEnergy {
  const squares = batches.map((batch) => batch.reduce((sum, value) => sum + value * value, 0));
  const total = new Float64Array(batches[0]?.length ?? 0);
  for (const batch of batches) batch.forEach((value, at) => total[at] = (total[at] as number) + value);
  const together = total.reduce((sum, value) => sum + value * value, 0), count = batches.length;
  const pairs = count * (count - 1), own = squares.reduce((sum, value) => sum + value, 0);
  return {
    layer,
    energy: mean(squares),
    perBatch: squares,
    signal: pairs === 0 ? null : (together - own) / pairs,
  };
}

/** The families that a profile asks; those of a benchmark have no training problems. */
export function trainedFamilies(lab: Laboratory): readonly ProblemFamily[] {
  const names: readonly string[] = lab.asked.sets.map(({ name }) => name);
  const known: readonly string[] = PROBLEM_FAMILIES;
  if (names.every((name) => known.includes(name))) return names as readonly ProblemFamily[];
  throw new NotApplicable(
    "the profile's problems are none that are made here, so that none are for training",
  );
}

/**
 * The energy of the RLOO objective's adjoint on every layer's vector, all of them zero: batches of training problems
 * as the shipped runs have them, one for every four problems that are swept of a family, under each evaluation seed.
 *
 * Source: "gradient energy before training" of other groups' label-free steering (class: third-party), there of another
 * objective; the estimate without noise is ours.
 *
 * @throws InputError and the signal's reason, as {@link Laboratory.outcomes}.
 */
export async function adjointEnergies(lab: Laboratory, zoo: ZooModel): Promise<readonly AdjointEnergy[]> {
  const { seeds, size: { swept, maxNewTokens } } = lab, { embed } = zoo.model.config;
  const layers = Array.from({ length: zoo.layers }, (_, layer) => layer);
  const steps = Math.ceil(swept / 4);
  const { template, grader } = lab.asked, families = trainedFamilies(lab);
  const batches = { ...BATCH, layers, steps, maxNewTokens, families, template, grader };
  const zero: Treatment = {
    name: "zero vectors",
    inputs: {},
    steer: new Map(layers.map((layer) => [layer, new Float32Array(embed)])),
  };
  return await lab.measure(
    {
      kind: "adjoint energy",
      code: import.meta.url,
      zoo,
      treatments: [zero],
      problems: seeds.flatMap((seed) =>
        trainingProblems({ ...batches, seed }, {}).slice(0, steps * BATCH.prompts)
          .map(({ question, answer }, index) => ({ id: `seed ${seed}, problem ${index}`, question, answer }))
      ),
      settings: { ...BATCH, steps, families, template, grader },
      runs: [],
      label: "adjoints before training",
      total: steps * seeds.length * BATCH.prompts * BATCH.samples,
      unit: "answers",
    },
    async (onProgress) => {
      const found: (readonly Float32Array[])[] = [];
      for (const [turn, seed] of seeds.entries()) {
        const onStep = (done: number) => onProgress((turn * steps + done) * BATCH.prompts * BATCH.samples);
        found.push(...await untrainedAdjoints(zoo.model, { ...batches, seed }, { onStep }));
      }
      return layers.map((layer) => energyOf(layer, found.map((batch) => batch[layer] as Float32Array)));
    },
  );
}
