/**
 * Patch a head: which attention heads carry a digit from the question into the answer? Two prompts differ in one
 * digit; each head's output of the one run is put into the other, and the head that brings its digit along shows.
 *
 *     deno run --allow-read --allow-ffi examples/patch_a_head.ts
 *
 * @module
 */
import { answerMessages, loadModel, siteName, tensor } from "../mod.ts";

const model = await loadModel(new URL("../fixtures/embedded/base-a", import.meta.url).pathname);
const tokenizer = await model.tokenizer();
const { layers, heads, headDim, vocab } = model.config;

/** A question, and an answer that stops where the last digit of the number must be copied. */
const prompt = (digit: string) => [
  ...tokenizer.encodeChat(answerMessages(`If 3n + 3${digit} = 77, what is n?`)),
  ...tokenizer.encode(`To find n, 77 - 3`),
];
const clean = prompt("2"), other = prompt("8"), seq = clean.length;
const [two, eight] = [tokenizer.tokenId("2") as number, tokenizer.tokenId("8") as number];

const sites = Array.from({ length: layers }, (_, layer) => siteName({ layer, kind: "head_out" }));
const source = await model.run([clean], { taps: sites });
const target = await model.run([other], { taps: sites });

/** How much the logits of a row's last position prefer the digit of the clean question. */
const preference = (logits: Float32Array, row: number) => {
  const last = (row * seq + seq - 1) * vocab;
  return (logits[last + two] as number) - (logits[last + eight] as number);
};
const high = preference(source.logits?.data as Float32Array, 0);
const low = preference(target.logits?.data as Float32Array, 0);
console.log(`logit("2") − logit("8"): ${high.toFixed(2)} in the clean run, ${low.toFixed(2)} in the other`);

const effects: { readonly name: string; readonly share: number }[] = [];
for (const site of sites) {
  // One row per head: everything of the other run, but that head's output at the last position.
  const from = source.taps.get(site)?.data as Float32Array,
    into = target.taps.get(site)?.data as Float32Array;
  const value = new Float32Array(heads * into.length); // [heads as rows, seq, heads, head_dim]
  for (let head = 0; head < heads; head++) {
    value.set(into, head * into.length);
    const at = ((seq - 1) * heads + head) * headDim;
    value.set(from.subarray(at, at + headDim), head * into.length + at);
  }
  const patch = { value: tensor("float32", [heads, seq, heads, headDim], value) };
  const { logits } = await model.run(Array.from({ length: heads }, () => other), {
    patches: new Map([[site, patch]]),
  });
  for (let head = 0; head < heads; head++) {
    const share = (preference(logits?.data as Float32Array, head) - low) / (high - low);
    effects.push({ name: `${site}, head ${head}`, share });
  }
}
effects.sort((a, b) => b.share - a.share);
console.log("heads that bring back most of the difference:");
for (const { name, share } of effects.slice(0, 3)) console.log(`  ${name}: ${(100 * share).toFixed(0)} %`);
await model.release();
