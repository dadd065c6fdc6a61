/**
 * Rates of rollouts and of steering gradients on a device, by the model's own functions: what docs/gpu.md asks for.
 * The first run of each kind warms up; the rate is of the best of the rest.
 *
 *     deno run --no-prompt --allow-read --allow-ffi tests/bench/device_rates.ts --model DIR --device cuda
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { RandomStream } from "../../lib/core/mod.ts";
import { LanguageModel, type OpenOptions } from "../../lib/decode/mod.ts";

const args = parseArgs(Deno.args, {
  string: ["model", "device", "dtype", "rows", "prompt", "new-tokens", "seq", "steps", "repeats", "kind"],
});
const number = (
  name: "rows" | "prompt" | "new-tokens" | "seq" | "steps" | "repeats",
  other: number,
): number => Number(args[name] ?? other);
if (args.model === undefined) throw new Error("--model DIR is missing");
const rows = number("rows", 64), prompt = number("prompt", 128), newTokens = number("new-tokens", 512);
const seq = number("seq", 1024), steps = number("steps", 8), repeats = number("repeats", 3);

const options: OpenOptions = {
  device: args.device === "cuda" ? "cuda" : "cpu",
  ...(args.dtype === undefined ? {} : { dtype: args.dtype as NonNullable<OpenOptions["dtype"]> }),
};
const model = await LanguageModel.open(args.model, options);
await model.checkDevice();
const random = new RandomStream(0, "device rates");
const tokensOf = (length: number) =>
  Array.from({ length }, () => random.integer({ below: model.config.vocab }));

/** Least seconds of the repeats. */
async function best(
  work: () => Promise<number>,
): Promise<{ readonly seconds: number; readonly tokens: number }> {
  let seconds = Infinity, tokens = 0;
  for (let round = 0; round <= repeats; round++) {
    const start = performance.now();
    tokens = await work();
    if (round > 0) seconds = Math.min(seconds, (performance.now() - start) / 1000);
  }
  return { seconds, tokens };
}

const show = (what: string, { seconds, tokens }: { readonly seconds: number; readonly tokens: number }) =>
  console.log(
    `${what}: ${tokens} tokens in ${seconds.toFixed(2)} s, ${(tokens / seconds).toFixed(1)} tokens/s`,
  );

console.log(`${model.dtype} on ${options.device}`);
// One kind of graph at a time: each session holds a copy of the weights.
if (args.kind !== "adjoint") {
  const requests = Array.from({ length: rows }, (_, index) => ({
    tokens: tokensOf(prompt),
    prompt: index,
    sample: 0,
  }));
  show(
    `rollouts, ${rows} × (${prompt} + ${newTokens})`,
    await best(async () => {
      const rollouts = await model.generate(requests, { maxNewTokens: newTokens, batchSize: rows });
      return rollouts.reduce((sum, { tokens }) => sum + tokens.length, 0);
    }),
  );
  await model.release();
}
if (args.kind !== "rollout") {
  const steer = new Map(
    Array.from(
      { length: model.config.layers },
      (_, layer) => [layer, new Float32Array(model.config.embed)] as const,
    ),
  );
  const batch = Array.from({ length: steps }, () => ({ tokens: tokensOf(seq + 1), from: 1, weight: 1e-5 }));
  show(
    `steering gradient, ${steps} × ${seq}, one row at a time`,
    await best(async () => {
      await model.steeringAdjoint(batch, { steer, maxTokens: 1 });
      return steps * seq;
    }),
  );
  await model.release();
}
