import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { RandomStream, type Tensor, tensor } from "../../lib/core/mod.ts";
import { scaleVectors, type SteerAt, steerFactors, type SteeringVectors } from "../../lib/decode/mod.ts";
import type { Operators } from "../../lib/probe/mod.ts";
import { assertClose } from "../tolerances.ts";
import { assertLikeReference, requestsOf, STOPPING } from "./_reference.ts";
import { randomVectors, withEachFamily, withTinyModel } from "./_tiny_model.ts";

const PARTS: readonly SteerAt[] = [
  { generated: 1 },
  { prompt: 1 },
  { lastPromptToken: -2 },
  { lastPromptToken: 1, generated: 0.5 },
  { prompt: 2, lastPromptToken: 0, generated: 1 },
];

/** Directions and norms for two layers, each layer in another way. */
function operatorsOf(vectors: SteeringVectors): Operators {
  const [first, second] = [...vectors.values()] as [Float32Array, Float32Array];
  return new Map([[0, { direction: first }], [1, { direction: second, component: 3, keepNorm: true }]]);
}

Deno.test("steerFactors() are those of the parts of a row, times its strength", () => {
  const rows = [{ promptLength: 2 }, { promptLength: 1, strength: 0.5 }];
  const { data } = steerFactors(rows, { steerAt: { lastPromptToken: 1, generated: 2 }, seq: 3 });
  assertEquals([...data], [0, 1, 2, 0.5, 1, 1]);
});

Deno.test("generate() steers where it is told to, by each row's strength, as runs of whole sequences do", () =>
  withTinyModel(async (model) => {
    const steer = randomVectors(model.config, [0, 1]);
    const requests = requestsOf(model).map((request, place) => ({ ...request, strength: place / 2 - 1 }));
    const usual = { maxNewTokens: 8, seed: 3, batchSize: 4, stragglerShare: 0.5, steer };
    for (const steerAt of PARTS) await assertLikeReference(model, { ...usual, steerAt, requests });
    await assertLikeReference(model, { ...usual, requests });
    const lastBlock = { mode: "skip_attn" } as const, routed = randomVectors(model.config, [0]);
    await assertLikeReference(model, {
      ...usual,
      steer: routed,
      lastBlock,
      steerAt: { generated: 1 },
      requests,
    });
  }, STOPPING));

Deno.test("a strength is a factor on the vectors: 1 changes nothing, 0 is the base model, 2 twice the vector", () =>
  withTinyModel(async (model) => {
    const steer = randomVectors(model.config, [0]), tokens = [3, 1, 4, 1, 5];
    const sampled = async (strength: number, of: SteeringVectors) =>
      (await model.generate([{ tokens, strength }], { maxNewTokens: 6, steer: of }))[0];
    const plain = async (of: SteeringVectors) =>
      (await model.generate([{ tokens }], { maxNewTokens: 6, steer: of }))[0];
    assertEquals(await sampled(1, steer), await plain(steer));
    assertEquals(await sampled(0, steer), await plain(new Map()));
    assertEquals(await sampled(2, steer), await plain(scaleVectors(steer, 2)));
    const rows = [[...tokens], [...tokens]];
    const { logits } = await model.run(rows, { steer, strength: [1, 0] });
    const [one, none] = [await model.run([tokens], { steer }), await model.run([tokens])];
    const half = (logits as Tensor<"float32">).data.length / 2;
    assertEquals(logits?.data.slice(0, half), one.logits?.data);
    assertEquals(logits?.data.slice(half), none.logits?.data);
    await assertRejects(
      () => model.run(rows, { steer, strength: [1] }),
      RangeError,
      "a number for each of 2 rows",
    );
    await assertRejects(
      () => model.run(rows, { steer, strength: [1, 1], steerFactors: tensor("float32", [1, 1], [1]) }),
      RangeError,
      "steerFactors must stand alone",
    );
  }));

Deno.test("adjoints follow steerAt and strength: the slope along a vector is that of the objective", () =>
  withTinyModel(async (model) => {
    const { embed } = model.config, steer = randomVectors(model.config, [0, 1]);
    const operators = operatorsOf(randomVectors(model.config, [0, 1]));
    const rows = [
      { tokens: [3, 14, 15, 9, 26], from: 3, weight: 1, strength: 0.5 },
      { tokens: [5, 35, 8], from: 1, weight: -2 },
    ];
    const options = { steerAt: { lastPromptToken: 1, generated: 2 }, operators };
    const loss = async (of: SteeringVectors) =>
      (await model.logProbs(rows, { ...options, steer: of })).reduce(
        (sum, logProbs, row) => sum - (rows[row]?.weight as number) * logProbs.reduce((a, b) => a + b, 0),
        0,
      );
    const { adjoints } = await model.steeringAdjoint(rows, { ...options, steer });
    const byPosition = await model.steeringAdjointByPosition(rows, { ...options, steer });
    for (const layer of [0, 1]) {
      const random = new RandomStream(5, "direction", layer), step = 4e-3;
      const direction = Float32Array.from({ length: embed }, () => random.normal());
      const moved = (by: number) =>
        new Map(steer).set(
          layer,
          (steer.get(layer) as Float32Array).map((x, i) => x + by * (direction[i] as number)),
        );
      const measured = (await loss(moved(step)) - await loss(moved(-step))) / (2 * step);
      const adjoint = adjoints.get(layer) as Float32Array;
      const expected = adjoint.reduce((sum, x, i) => sum + x * (direction[i] as number), 0);
      assert(
        Math.abs(measured - expected) < 5e-3 * (1 + Math.abs(expected)),
        `${layer}: ${measured}, ${expected}`,
      );
      // A vector of every position has adjoints that add up to that of the one vector.
      const { data, dims } = byPosition.get(layer) as Tensor<"float32">;
      assertEquals(dims, [2, 4, embed]);
      const sums = Float32Array.from(
        { length: embed },
        (_, i) =>
          Array.from({ length: 8 }, (_, place) => data[place * embed + i] as number).reduce(
            (a, b) => a + b,
            0,
          ),
      );
      assertClose(sums, adjoint, "steeringAdjointSplit");
      assertEquals(data.slice(0, 2 * embed).every((x) => x === 0), true); // the first row's prompt but for its last
    }
  }));

Deno.test("contexts that are shared are steered as rows by themselves, each strength with a context of its own", () =>
  withTinyModel(async (model) => {
    const steer = randomVectors(model.config, [0]), context = [3, 14, 15, 9];
    const rows = [[26, 5], [35, 8, 9], [7], [26, 5]].map((answer, row) => ({
      tokens: [...context, ...answer],
      from: 4,
      weight: row - 1.5,
      ...(row < 3 ? {} : { strength: 0.25 }),
    }));
    for (const steerAt of [{ generated: 1 }, { lastPromptToken: 1, generated: 0.5 }, { prompt: 1 }]) {
      const apart = await model.steeringAdjoint(rows, { steer, steerAt });
      const together = await model.steeringAdjoint(rows, { steer, steerAt, sharedContexts: true });
      assertClose(together.adjoints.get(0) ?? [], apart.adjoints.get(0) ?? [], "adjointFloat32");
      rows.forEach((_, row) =>
        assertClose(together.logProbs[row] ?? [], apart.logProbs[row] ?? [], "logProbabilityFloat32")
      );
    }
    const patches = { "blocks.0.mlp_out": { value: tensor("float32", [1, 1, 1], [0]) } } as const;
    await assertRejects(
      () => model.steeringAdjoint(rows, { steer, patches, sharedContexts: true }),
      RangeError,
      "there must be no patches beside",
    );
  }));

Deno.test("operators set a component, keep a norm, and do nothing where their factor is 0", () =>
  withEachFamily(async (model) => {
    const { embed, config } = { ...model.config, config: model.config }, steer = randomVectors(config, [0]);
    const operators = operatorsOf(randomVectors(config, [0, 1])), tokens = [3, 1, 4, 1];
    const taps = ["blocks.0.resid_post", "blocks.1.resid_post"] as const;
    const run = await model.run([tokens], { operators, taps });
    const steered = await model.run([tokens], { operators, steer, taps });
    const parts = await model.run([tokens], {
      operators,
      steer,
      taps: ["blocks.1.resid_mid", "blocks.1.mlp_out"],
    });
    for (const [layer, site] of taps.entries()) {
      const direction = operators.get(layer)?.direction as Float32Array, length = Math.hypot(...direction);
      for (let t = 0; t < tokens.length; t++) {
        const streamOf = (of: typeof run) =>
          (of.taps.get(site)?.data as Float32Array).subarray(t * embed, (t + 1) * embed);
        for (const one of [run, steered]) {
          const along = streamOf(one).reduce((sum, x, i) => sum + x * (direction[i] as number) / length, 0);
          const norm = Math.hypot(...streamOf(one));
          if (layer === 0) assert(Math.abs(along) < 1e-5 * norm, `${along}`); // projected out, the vector too
        }
        if (layer === 0) continue;
        // x + (3 − x·d) d, at the length of x
        const x = streamOf(steered).map((_, i) =>
          ["blocks.1.resid_mid", "blocks.1.mlp_out"].reduce(
            (sum, part) => sum + (parts.taps.get(part as "blocks.1.mlp_out")?.data[t * embed + i] as number),
            0,
          )
        );
        const unit = direction.map((value) => value / length);
        const along = x.reduce((sum, value, i) => sum + value * (unit[i] as number), 0);
        const turned = x.map((value, i) => value + (3 - along) * (unit[i] as number));
        const scale = Math.hypot(...x) / Math.hypot(...turned);
        assertClose(streamOf(steered), turned.map((value) => value * scale), "forwardFloat32");
      }
    }
    const off = await model.run([tokens], {
      operators: new Map([[0, { direction: steer.get(0) as Float32Array }]]),
      steerAt: {},
    });
    assertEquals(off.logits?.data, (await model.run([tokens])).logits?.data);
    assertNotEquals(run.logits?.data, off.logits?.data);
  }));

Deno.test("generate() operates on the stream as runs of whole sequences do", () =>
  withTinyModel(async (model) => {
    const steer = randomVectors(model.config, [0]),
      operators = operatorsOf(randomVectors(model.config, [0, 1]));
    const usual = { maxNewTokens: 6, seed: 3, operators };
    await assertLikeReference(model, usual);
    await assertLikeReference(model, { ...usual, steer, steerAt: { generated: 1 } });
    await assertLikeReference(model, { ...usual, steer, place: "input_norm" });
    await assertRejects(
      () => model.generate(requestsOf(model), { ...usual, steer, lastBlock: { mode: "base" } }),
      RangeError,
      "no layer must have an operator beside it",
    );
  }, STOPPING));

Deno.test("operators that cannot be are refused by layer", () =>
  withTinyModel(async (model) => {
    const { embed } = model.config, direction = new Float32Array(embed).fill(1);
    const wrong = [
      [{ 2: { direction } }, "layer 2 as it must lie in [0, 2)"],
      [{ 0: { direction: new Float32Array(3) } }, `must have ${embed} values: current count is 3`],
      [{ 0: { direction: new Float32Array(embed) } }, "longer than 0 and finite: current length is 0"],
      [{ 0: { direction, component: NaN } }, "component must be finite: current value is NaN"],
      [{ 0: {} }, "must have a direction or keep the norm"],
    ] as const;
    for (const [operators, message] of wrong) {
      await assertRejects(() => model.run([[1, 2]], { operators }), RangeError, message);
    }
  }));
