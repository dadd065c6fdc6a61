/**
 * Steer a model: the same problems answered by the model as it is and with one trained vector added in one layer.
 *
 *     deno run --allow-read --allow-ffi examples/steer_a_model.ts
 *
 * @module
 */
import { type Completion, evaluate, loadModel, loadVectors, testSet } from "../mod.ts";

const zoo = new URL("../fixtures/embedded/", import.meta.url).pathname;
const model = await loadModel(`${zoo}/base-a`);
const { vectors } = await loadVectors(`${zoo}/vectors/base-a/layer-4.seed-0.safetensors`, model.config);

const problems = testSet("linear", { size: 32 }), firstAnswers: string[] = [];
const options = {
  problems,
  maxNewTokens: 64,
  seeds: [0],
  onCompletion({ problem, text }: Completion) {
    if (problem === 0) firstAnswers.push(text.trim());
  },
};
const plain = await evaluate(model, options);
const steered = await evaluate(model, { ...options, steer: vectors });

const percent = ({ outcomes }: typeof plain) => {
  const all = outcomes.flat(2);
  return `${(100 * all.reduce((sum, right) => sum + right, 0) / all.length).toFixed(0)} %`;
};
console.log(problems[0]?.question);
console.log(`  as it is: ${firstAnswers[0]}`);
console.log(`  steered:  ${firstAnswers[1]}`);
console.log(
  `right answers to ${problems.length} problems: ${percent(plain)} as it is, ${percent(steered)} steered`,
);
await model.release();
