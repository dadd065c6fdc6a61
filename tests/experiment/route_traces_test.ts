import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { TOKEN_CLASSES } from "../../lib/analysis/mod.ts";
import { Laboratory, ResultStore, routeTraces } from "../../lib/experiment/mod.ts";
import { additionsOf } from "../../lib/experiment/treatment.ts";
import { EMBEDDED, TINY_SIZE, withZooModel, writeVectors } from "./_tiny_zoo.ts";

function softmax(logits: Float32Array): Float64Array {
  const peak = Math.max(...logits), weights = Float64Array.from(logits, (logit) => Math.exp(logit - peak));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

Deno.test("routeTraces() gives the means that plain runs of both models give", () =>
  withZooModel(async (a, { entry }) => {
    await writeVectors(`${entry.vectorsFolder}/layer-2.seed-0.safetensors`, { 2: 0.05 });
    const [treatment] = await a.trained("layer-2");
    assert(treatment !== undefined);
    const lab = new Laboratory({
      asked: EMBEDDED,
      size: { ...TINY_SIZE, traced: 6 },
      seed: 0,
      store: new ResultStore(null),
    });
    const traces = await routeTraces(lab, { zoo: a, treatment });
    assertEquals(traces.map(({ name }) => name), [
      "skip_attn→no_patch",
      "skip_attn→skip_layer",
      "skip_attn→base",
      "base→no_patch",
    ]);
    const whole = traces[3], opener = a.tokenizer.tokenId("To") as number;
    assert(whole !== undefined && whole.samples.length === 6);
    let sum = 0;
    for (const { tokens, promptLength } of whole.samples) {
      const base = await a.model.run([tokens]), steered = await a.model.run([tokens], additionsOf(treatment));
      const count = tokens.length - promptLength; // the row read on the last token is left out
      const row = (logits: Float32Array, at: number) => {
        const from = (promptLength - 1 + at) * whole.tokens.length;
        return softmax(logits.subarray(from, from + whole.tokens.length));
      };
      let text = 0;
      for (let at = 0; at < count; at++) {
        text += (row(steered.logits?.data as Float32Array, at)[opener] as number) -
          (row(base.logits?.data as Float32Array, at)[opener] as number);
      }
      sum += text / count;
    }
    assertAlmostEquals(whole.tokens[opener]?.mean ?? NaN, sum / 6, 1e-6);
    // Probabilities sum to one under both, so the classes cancel, at the first position and after it.
    for (const { first, later } of whole.classes) {
      for (const nets of [first, later].filter((part) => part !== null)) {
        assertAlmostEquals(TOKEN_CLASSES.reduce((total, name) => total + nets[name], 0), 0, 1e-12);
      }
    }
    // An error over texts is that of six values.
    assert((whole.tokens[opener]?.standardError ?? -1) >= 0);
  }));
