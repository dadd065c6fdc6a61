import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { logitLens } from "../../lib/analysis/mod.ts";
import { readTensor, type WeightEntry } from "../../lib/checkpoint/mod.ts";
import { type Tensor, tensor } from "../../lib/core/mod.ts";
import { type LanguageModel, lastTokens, topTokens, valueAt } from "../../lib/decode/mod.ts";
import { unembeddingName } from "../../lib/model/mod.ts";
import { assertClose, TOLERANCES } from "../tolerances.ts";
import { randomVectors, withEachFamily, withTinyModel } from "./_tiny_model.ts";

const TOKENS = [3, 14, 15, 9, 26];
const sum = (list: Iterable<number>) => [...list].reduce((a, b) => a + b, 0);

Deno.test("logits of the last tokens, and the unembedding of the last stream, are those of a whole run", () =>
  withEachFamily(async (model) => {
    const rows = [TOKENS, [7, 8]], site = `blocks.${model.config.layers - 1}.resid_post` as const;
    const whole = await model.run(rows, { taps: [site] }),
      { logits } = await model.run(rows, { logits: "last" });
    const { vocab } = model.config, all = whole.logits as Tensor<"float32">;
    assertEquals(logits?.dims, [2, vocab]);
    const expected = [...all.data.subarray(4 * vocab, 5 * vocab), ...all.data.subarray(6 * vocab, 7 * vocab)];
    assertClose(logits?.data ?? [], expected, "rewrittenGraphFloat32");
    const streams = lastTokens(whole, site);
    assertEquals(streams.dims, [2, model.config.embed]);
    assertClose((await model.unembed(streams)).data, expected, "rewrittenGraphFloat32");
    const unembedded = await model.unembed(whole.taps.get(site) as Tensor<"float32">);
    assertEquals(unembedded.dims, all.dims);
    const lens = await logitLens(model, TOKENS, { count: 4, positions: [0, 4] });
    const [first] = topTokens(tensor("float32", [vocab], all.data.slice(4 * vocab, 5 * vocab)), { count: 4 });
    assertEquals(lens.map((layer) => layer.map((list) => list.length)), [[4, 4], [4, 4]]);
    assertEquals(lens.at(-1)?.[1]?.map(({ token }) => token), first?.map(({ token }) => token));
    await assertRejects(
      () => model.unembed(tensor("float32", [1, 2], [1, 2])),
      RangeError,
      "streams must be [.., 32]",
    );
    await assertRejects(() => logitLens(model, TOKENS, { positions: [5] }), RangeError, "position 5");
  }));

/** Float64 next to a graph: the direction that tells two logits apart, read from the files. */
async function directionOf(model: LanguageModel, stream: Float32Array, plus: number, minus: number) {
  const { embed, rmsNormEps } = model.config;
  const weight = (name: string) => readTensor(model.checkpoint.weights.get(name) as WeightEntry);
  const rows = await weight(unembeddingName(model.config)), gain = await weight("model.norm.weight");
  const rms = Math.sqrt(sum(stream.map((x) => x * x)) / embed + rmsNormEps);
  return Float64Array.from(
    { length: embed },
    (_, i) =>
      ((rows[plus * embed + i] as number) - (rows[minus * embed + i] as number)) * (gain[i] as number) / rms,
  );
}

Deno.test("logitAttribution() adds up to the difference of the logits, heads to their layers, and is float64 arithmetic", () =>
  withEachFamily(async (model) => {
    const { config } = model, steer = randomVectors(config, [0, 1]), plus = 8, minus = 21;
    const operators = new Map([[0, { direction: steer.get(1) as Float32Array, component: 1 }]]);
    for (const options of [{}, { steer }, { steer, operators }, { position: 2 }]) {
      const found = await model.logitAttribution(TOKENS, { plus, minus, ...options });
      const { difference, embedding, attention, mlp, vectors, heads } = found;
      const total = embedding + sum(attention) + sum(mlp) + sum(vectors);
      assertClose([total], [difference], {
        ...TOLERANCES.forwardFloat32,
        kind: "absolute",
        bound: 1e-5 * 10,
      });
      if ("steer" in options) assert(vectors.every((value) => value !== 0));
      const { position = 4, ...additions } = options as { position?: number };
      const last = `blocks.${config.layers - 1}.resid_post` as const, site = "blocks.1.head_out" as const;
      const run = await model.run([TOKENS.slice(0, position + 1)], { ...additions, taps: [last, site] });
      const direction = await directionOf(model, lastTokens(run, last).data, plus, minus);
      const name = "model.layers.1.self_attn.o_proj";
      const out = await readTensor(model.checkpoint.weights.get(`${name}.weight`) as WeightEntry);
      const outputs = lastTokens(run, site).data, width = config.heads * config.headDim;
      const expected = Array.from(
        { length: config.heads },
        (_, head) =>
          sum(Array.from({ length: config.headDim }, (_, h) => {
            const at = head * config.headDim + h;
            return (outputs[at] as number) *
              sum(direction.map((d, i) => d * (out[i * width + at] as number)));
          })),
      );
      assertClose(heads.data.slice(config.heads), expected, "forwardFloat32");
      const bias = model.checkpoint.weights.get(`${name}.bias`);
      const more = bias === undefined
        ? 0
        : sum((await readTensor(bias)).map((b, i) => b * (direction[i] as number)));
      assertClose([sum(expected) + more], [attention[1] as number], {
        ...TOLERANCES.forwardFloat32,
        kind: "absolute",
        bound: 1e-5,
      });
    }
    await assertRejects(
      () => model.logitAttribution(TOKENS, { plus, minus: 61 }),
      RangeError,
      "must lie in [0, 61)",
    );
  }));

Deno.test("topTokens(), valueAt() and lastTokens() read what is there and refuse the rest", () =>
  withTinyModel(async (model) => {
    const scores = tensor("float32", [5], [0, 3, 1, 3, 2]);
    assertEquals(topTokens(scores, { count: 3 })[0]?.map(({ token, score }) => [token, score]), [[1, 3], [
      3,
      3,
    ], [4, 2]]);
    assertClose(
      [sum(topTokens(scores, { count: 9 })[0]?.map(({ probability }) => probability) ?? [])],
      [1],
      "float64Arithmetic",
    );
    assertThrows(() => valueAt(scores, [5]), RangeError, "must lie in a tensor of [5]");
    const site = "blocks.0.attn_weights", run = await model.run([TOKENS, [1, 2]], { taps: [site] });
    const weights = run.taps.get(site) as Tensor<"float32">, last = lastTokens(run, site);
    assertEquals(last.dims, [2, model.config.heads, 5]);
    assertEquals(valueAt(last, [1, 3, 0]), valueAt(weights, [1, 3, 1, 0]));
    assertEquals(valueAt(last, [0, 1, 4]), valueAt(weights, [0, 1, 4, 4]));
    assertThrows(() => lastTokens(run, "blocks.0.q"), RangeError, "current taps are blocks.0.attn_weights");
    assertEquals(model.sitesOf("k"), ["blocks.0.k", "blocks.1.k"]);
  }));
