import { assertEquals } from "@std/assert";
import { RandomStream, tensor } from "../../lib/core/mod.ts";
import {
  type Adapters,
  type Additions,
  byLayer,
  type LanguageModel,
  type Rollout,
  type SteeringVectors,
  type WeightedRow,
} from "../../lib/decode/mod.ts";
import { siteKindsOf, type SiteName, siteName } from "../../lib/model/mod.ts";
import { assertClose, type ToleranceName, TOLERANCES } from "../tolerances.ts";
import { allLayers, randomVectors } from "./_tiny_model.ts";

/** A model on the device and in the dtype under test, and the float32 model on the CPU that it is held against. */
export interface ConformancePair {
  readonly reference: LanguageModel;
  readonly candidate: LanguageModel;
  /** How far apart values may lie, as a share of a value's largest element. */
  readonly tolerance: ToleranceName;
}

/** What every device must do. */
export interface ConformanceCase {
  readonly name: string;
  readonly check: (pair: ConformancePair) => Promise<void>;
}

const ROWS = [[3, 1, 4, 1, 5, 9, 2, 6], [27, 18, 28], [60], [0, 33, 12, 45, 7]];
const vectorsOf = (model: LanguageModel): SteeringVectors => {
  // A tenth of the unit: what is steered stays near what it was.
  const whole = randomVectors(model.config, allLayers(model.config));
  return new Map([...whole].map(([layer, vector]) => [layer, vector.map((value) => value / 10)]));
};
const adaptersOf = (model: LanguageModel): Adapters =>
  new Map(
    allLayers(model.config).map((layer) => {
      const random = new RandomStream(9, "adapters", layer);
      const draw = (length: number) => Float32Array.from({ length }, () => random.normal() / 4);
      return [layer, { input: draw(model.config.neurons), output: draw(model.config.embed) }];
    }),
  );
const targetsOf = (rows: readonly (readonly number[])[]): WeightedRow[] =>
  rows.filter((row) => row.length > 1).map((tokens, index) => ({
    tokens,
    from: 1,
    weight: (index - 1) * 1e-5 + 4e-6,
  }));

/** Elements of the real positions of [batch, seq, …], row after row. */
function real(data: Float32Array, lengths: readonly number[]): number[] {
  const seq = Math.max(...lengths), width = data.length / (lengths.length * seq);
  return lengths.flatMap((length, row) =>
    Array.from(data.subarray(row * seq * width, (row * seq + length) * width))
  );
}

/** Log-probabilities are near −4, so their bound is that of logits of size 4. */
function assertLogProbs(
  actual: readonly number[],
  expected: readonly number[],
  tolerance: ToleranceName,
): void {
  assertClose(actual, expected, {
    ...TOLERANCES[tolerance],
    kind: "absolute",
    bound: 4 * TOLERANCES[tolerance].bound,
  });
}

/** Log-probabilities of completions under a model's whole-sequence graph. */
async function scored(
  model: LanguageModel,
  rollouts: readonly Rollout[],
  additions: Additions,
): Promise<number[]> {
  const rows = rollouts.map(({ promptTokens, tokens }) => ({
    tokens: [...promptTokens, ...tokens],
    from: promptTokens.length,
  }));
  return (await model.logProbs(rows, additions)).flat();
}

const requests = ROWS.map((tokens, prompt) => ({ tokens, prompt, sample: 0 }));

/** One way of adding to a model, held against the reference in every kind of graph. */
function additionCase(name: string, additionsTo: (model: LanguageModel) => Additions): ConformanceCase {
  return {
    name: `${name}: logits, sampling and adjoints`,
    async check({ reference, candidate, tolerance }) {
      const additions = additionsTo(reference), rows = targetsOf(ROWS);
      const a = await candidate.run(ROWS, additions), b = await reference.run(ROWS, additions);
      assertClose(
        real(a.logits?.data ?? new Float32Array(), a.lengths),
        real(b.logits?.data ?? new Float32Array(), b.lengths),
        tolerance,
      );
      const rollouts = await candidate.generate(requests, { maxNewTokens: 8, seed: 5, ...additions });
      const own = rollouts.flatMap(({ logProbs }) => logProbs);
      assertEquals(own.length > 8, true);
      assertLogProbs(own, await scored(reference, rollouts, additions), tolerance);
      assertLogProbs(own, await scored(candidate, rollouts, additions), tolerance);
      const found = await candidate.steeringAdjoint(rows, additions);
      const expected = await reference.steeringAdjoint(rows, additions);
      assertEquals([...found.adjoints.keys()], [...byLayer(additions.steer, "steer").keys()]);
      assertEquals([...found.adapterAdjoints.keys()], [...byLayer(additions.adapters, "adapters").keys()]);
      for (const [layer, adjoint] of expected.adjoints) {
        assertClose(found.adjoints.get(layer) ?? [], adjoint, tolerance);
      }
      for (const [layer, { input, output }] of expected.adapterAdjoints) {
        assertClose(found.adapterAdjoints.get(layer)?.input ?? [], input, tolerance);
        assertClose(found.adapterAdjoints.get(layer)?.output ?? [], output, tolerance);
      }
    },
  };
}

/** The suite: one list of cases for every device and dtype. */
export const CONFORMANCE_CASES: readonly ConformanceCase[] = [
  {
    name: "logits, plain and steered",
    async check({ reference, candidate, tolerance }) {
      for (const steer of [new Map(), vectorsOf(reference)]) {
        const a = await candidate.run(ROWS, { steer }), b = await reference.run(ROWS, { steer });
        assertEquals(a.logits?.dims, b.logits?.dims);
        assertClose(
          real(a.logits?.data ?? new Float32Array(), a.lengths),
          real(b.logits?.data ?? new Float32Array(), b.lengths),
          tolerance,
        );
      }
    },
  },
  {
    name: "every site",
    async check({ reference, candidate, tolerance }) {
      const taps = allLayers(reference.config).flatMap((layer) =>
        siteKindsOf(reference.config).map((kind): SiteName => siteName({ layer, kind }))
      );
      // One row: then no position of any site is padding.
      const a = await candidate.run([ROWS[0] as number[]], { taps, logits: false });
      const b = await reference.run([ROWS[0] as number[]], { taps, logits: false });
      for (const site of taps) {
        try {
          assertClose(a.taps.get(site)?.data ?? [], b.taps.get(site)?.data ?? [], tolerance);
        } catch (error) {
          throw new Error(`${site}: ${(error as Error).message}`);
        }
      }
    },
  },
  {
    name: "a tap fed back as a patch, which changes nothing",
    async check({ candidate, reference, tolerance }) {
      const site: SiteName = "blocks.0.resid_mid", row = [ROWS[0] as number[]];
      const tapped = await candidate.run(row, { taps: [site] });
      const value = tapped.taps.get(site);
      if (value === undefined) throw new Error("no tap");
      const patched = await candidate.run(row, { patches: new Map([[site, { value }]]) });
      // 16-bit values cross the border as float32 and come back without a change.
      assertClose(patched.logits?.data ?? [], tapped.logits?.data ?? [1], "rewrittenGraphFloat32");
      const zero = tensor("float32", value.dims, new Float32Array(value.data.length));
      const zeroed = await candidate.run(row, { patches: new Map([[site, { value: zero }]]) });
      const expected = await reference.run(row, { patches: new Map([[site, { value: zero }]]) });
      assertClose(zeroed.logits?.data ?? [], expected.logits?.data ?? [1], tolerance);
    },
  },
  {
    name: "greedy decoding: every token within the tolerance of the best one",
    async check({ reference, candidate, tolerance }) {
      const options = { maxNewTokens: 12, temperature: 0, steer: vectorsOf(reference) };
      const rollouts = await candidate.generate(requests, options);
      assertLogProbs(
        rollouts.flatMap(({ logProbs }) => logProbs),
        await scored(reference, rollouts, { steer: options.steer }),
        tolerance,
      );
      for (const { promptTokens, tokens } of rollouts) {
        const row = [...promptTokens, ...tokens], { vocab } = reference.config;
        const { logits } = await reference.run([row], { steer: options.steer });
        const data = logits?.data ?? new Float32Array();
        const scale = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        tokens.forEach((token, index) => {
          const at = data.subarray((promptTokens.length + index - 1) * vocab).subarray(0, vocab);
          const gap = at.reduce((most, value) => Math.max(most, value), -Infinity) - (at[token] as number);
          if (!(gap <= 2 * TOLERANCES[tolerance].bound * scale)) {
            throw new Error(`token ${token} is ${gap} below the best`);
          }
        });
      }
    },
  },
  {
    name: "sampling: the sampler's log-probabilities are the reference's, and its own trainer's",
    async check({ reference, candidate, tolerance }) {
      const steer = vectorsOf(reference);
      const rollouts = await candidate.generate(requests, { maxNewTokens: 12, seed: 3, steer });
      const own = rollouts.flatMap(({ logProbs }) => logProbs);
      assertEquals(own.length > 12, true);
      assertLogProbs(own, await scored(reference, rollouts, { steer }), tolerance);
      assertLogProbs(own, await scored(candidate, rollouts, { steer }), tolerance);
    },
  },
  {
    name: "a batch gives what its rows give alone",
    async check({ candidate, tolerance }) {
      const together = await candidate.run(ROWS);
      const alone: number[] = [];
      for (const row of ROWS) alone.push(...(await candidate.run([row])).logits?.data ?? []);
      assertClose(real(together.logits?.data ?? new Float32Array(), together.lengths), alone, tolerance);
    },
  },
  {
    name: "steering adjoints of every layer, with weights as small as a training step's",
    async check({ reference, candidate, tolerance }) {
      const steer = vectorsOf(reference), rows = targetsOf(ROWS);
      const a = await candidate.steeringAdjoint(rows, { steer }),
        b = await reference.steeringAdjoint(rows, { steer });
      assertLogProbs(a.logProbs.flat(), b.logProbs.flat(), tolerance);
      for (const layer of allLayers(reference.config)) {
        assertClose(a.adjoints.get(layer) ?? [], b.adjoints.get(layer) ?? [1], tolerance);
      }
    },
  },
  additionCase("vectors of the input norm, added twice", (model) => ({
    steer: vectorsOf(model),
    place: "input_norm",
    asPublished: true,
  })),
  additionCase("one value head of the last block unsteered", (model) => ({
    steer: vectorsOf(model),
    lastBlock: { mode: "v", head: 1 },
  })),
  additionCase("one head's output unsteered on its way to the MLP, over two caches", (model) => ({
    steer: vectorsOf(model),
    lastBlock: { mode: "head", head: 2, path: "mlp" },
  })),
  additionCase("adapters beside vectors", (model) => ({
    steer: vectorsOf(model),
    adapters: adaptersOf(model),
  })),
];
