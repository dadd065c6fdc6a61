/**
 * Read a vector through the unembedding: put it in place of the residual stream after the last block, and see which
 * tokens it speaks for once the final norm and the unembedding have read it.
 *
 *     deno run --allow-read --allow-ffi examples/read_a_vector.ts
 *
 * @module
 */
import { loadModel, loadVectors, siteName, tensor } from "../mod.ts";

const zoo = new URL("../fixtures/embedded/", import.meta.url).pathname;
const model = await loadModel(`${zoo}/base-a`);
const tokenizer = await model.tokenizer();
const { layers, embed, vocab } = model.config;
const { vectors } = await loadVectors(`${zoo}/vectors/base-a/all.seed-0.safetensors`, model.config);

// One row of one token per vector; which token does not matter, as its residual stream is replaced.
const trained = [...vectors];
const value = new Float32Array(trained.length * embed);
trained.forEach(([, vector], row) => value.set(vector, row * embed));
const last = siteName({ layer: layers - 1, kind: "resid_post" });
const { logits } = await model.run(trained.map(() => [0]), {
  patches: new Map([[last, { value: tensor("float32", [trained.length, 1, embed], value) }]]),
});

trained.forEach(([layer, vector], row) => {
  const scores = [...logits?.data.subarray(row * vocab, (row + 1) * vocab) ?? []]
    .map((score, token) => ({ score, token })).sort((a, b) => b.score - a.score);
  const words = scores.slice(0, 5).map(({ token }) => JSON.stringify(tokenizer.tokenText(token)));
  console.log(`layer ${layer}, norm ${Math.hypot(...vector).toFixed(2)}: ${words.join(" ")}`);
});
await model.release();
