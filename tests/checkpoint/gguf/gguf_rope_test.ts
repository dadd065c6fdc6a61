import { assertEquals } from "@std/assert";
import { ropeFactors, ropeScalingOf } from "../../../lib/checkpoint/gguf/_gguf_rope.ts";
import { golden } from "../_folder.ts";

interface Case {
  readonly headDim: number;
  readonly rope: {
    readonly rope_theta: number;
    readonly factor: number;
    readonly low_freq_factor: number;
    readonly high_freq_factor: number;
    readonly original_max_position_embeddings: number;
  };
  readonly factors: readonly number[];
}

const { rope: CASES } = await golden<{ readonly rope: readonly Case[] }>("gguf_files.json");
const float32 = (values: readonly number[]) => Float32Array.from(values);

Deno.test("ropeScalingOf() finds the scaling whose factors transformers uses, up to what changes no factor", () => {
  for (const { headDim, rope, factors } of CASES) {
    const found = ropeScalingOf(float32(factors), { theta: rope.rope_theta });
    // The limits and the positions may have one multiple in common: 2, 16 and 1024 say the same as 1, 8 and 512.
    const low = rope.low_freq_factor;
    assertEquals(found, {
      factor: rope.factor,
      lowFreqFactor: 1,
      highFreqFactor: rope.high_freq_factor / low,
      originalMaxPositions: rope.original_max_position_embeddings / low,
    });
    const again = ropeFactors(found as NonNullable<typeof found>, { headDim, theta: rope.rope_theta });
    for (const [pair, factor] of again.entries()) {
      assertEquals(Math.abs(factor / (factors[pair] as number) - 1) < 1e-5, true, `pair ${pair}`);
    }
  }
});

Deno.test("ropeScalingOf() takes the positions that the file states where too few angles lie between", () => {
  const theta = 10000,
    scaling = { factor: 4, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 300 };
  const factors = float32(ropeFactors(scaling, { headDim: 4, theta }));
  assertEquals(ropeScalingOf(factors, { theta, originalMaxPositions: 300 }), scaling);
});

Deno.test("ropeScalingOf() knows no scaling for other factors", () => {
  const { factors, rope } = CASES[0] as Case, theta = rope.rope_theta;
  for (
    const damaged of [
      factors.map((factor, pair) => pair === 9 ? factor * 1.001 : factor),
      factors.map((factor) => 1 / factor),
      factors.map(() => 4),
      factors.map((_, pair) => 1 + pair / 10),
      factors.map(() => NaN),
      factors.map(() => 0),
      factors.map((factor) => -factor),
    ]
  ) {
    assertEquals(ropeScalingOf(float32(damaged), { theta }), null);
  }
});
