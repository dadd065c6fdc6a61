/**
 * One draw from a vocabulary of 151,936 tokens, the size of Qwen2.5's: by one running sum, and by two levels.
 *
 *     deno bench --no-prompt --allow-read --allow-ffi tests/bench/sampling_bench.ts
 *
 * @module
 */
import { RandomStream, tensor } from "../../lib/core/mod.ts";
import { drawToken } from "../../lib/decode/_draw_token.ts";
import { GraphBuilder, type Value } from "../../lib/onnx/mod.ts";
import { Session } from "../../lib/runtime/mod.ts";

const VOCAB = 151_936, BATCH = 16;

/** The plain way: one running sum over the whole vocabulary. */
function plainDraw(g: GraphBuilder, p: Value, u: Value): Value {
  const sums = g.apply("CumSum", [p], { attributes: { axis: 1 } });
  const total = g.slice(sums, { axis: 1, start: VOCAB - 1, end: VOCAB });
  const below = g.apply("LessOrEqual", [sums, g.mul(u, total)]);
  return g.reduce("sum", g.cast(below, "int64"), { axes: [1] });
}

async function sessionOf(
  name: string,
  draw: (g: GraphBuilder, p: Value, u: Value) => Value,
): Promise<Session> {
  const g = new GraphBuilder(name);
  const p = g.input("p", "float32", ["batch", VOCAB]), u = g.input("u", "float32", ["batch", 1]);
  g.output("token", draw(g, p, u));
  return await Session.create(g.build(), { threads: 1 });
}

const plain = await sessionOf("plain", plainDraw);
const levels = await sessionOf("levels", (g, p, uniform) => drawToken(g, p, { uniform }));
const random = new RandomStream(0, "sampling");
const row = Float32Array.from({ length: VOCAB }, () => Math.exp(3 * random.normal()));
const total = row.reduce((sum, weight) => sum + weight, 0);
const feeds = {
  p: tensor(
    "float32",
    [BATCH, VOCAB],
    Float32Array.from({ length: BATCH * VOCAB }, (_, i) => (row[i % VOCAB] as number) / total),
  ),
  u: tensor("float32", [BATCH, 1], Float32Array.from({ length: BATCH }, () => random.uniform())),
};

Deno.bench("one running sum", { group: "draw", baseline: true }, async () => void await plain.run(feeds));
Deno.bench("two levels", { group: "draw" }, async () => void await levels.run(feeds));
