/**
 * Tap a layer: how the residual stream at the end of a question grows from block to block, and how far each block
 * turns it.
 *
 *     deno run --allow-read --allow-ffi examples/tap_a_layer.ts
 *
 * @module
 */
import { answerMessages, loadModel, siteName } from "../mod.ts";

const model = await loadModel(new URL("../fixtures/embedded/base-a", import.meta.url).pathname);
const tokenizer = await model.tokenizer();
const tokens = tokenizer.encodeChat(answerMessages("If 3n + 32 = 47, what is n?"));

const { layers, embed } = model.config;
const sites = Array.from({ length: layers }, (_, layer) => siteName({ layer, kind: "resid_post" }));
const { taps } = await model.run([tokens], { taps: sites, logits: false });

const norm = (x: Float32Array) => Math.hypot(...x);
const dot = (x: Float32Array, y: Float32Array) =>
  x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);

console.log(`${tokens.length} tokens; residual stream at the last one:`);
let before: Float32Array | undefined;
for (const site of sites) {
  const here = taps.get(site)?.data.subarray(-embed) as Float32Array; // [batch, seq, embed]: the last position
  const cosine = before === undefined
    ? ""
    : `, cosine with the block before ${(dot(here, before) / norm(here) / norm(before)).toFixed(2)}`;
  console.log(`${site}: norm ${norm(here).toFixed(1)}${cosine}`);
  before = here;
}
await model.release();
