/**
 * Loads one large model, runs 64 tokens forward, generates 8 tokens, computes the steering adjoint of 64 tokens, and
 * prints times and the most memory that the process ever held, as JSON. `tests/peers/pytorch_large_model.py` does
 * the same work.
 *
 *     deno task synthetic --like qwen2.5-1.5b --out out/large
 *     deno task bench-large out/large [THREADS]
 *
 * @module
 */
import process from "node:process";
import { LanguageModel } from "../../lib/decode/mod.ts";
import { runtimeReport } from "../../lib/runtime/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import { enterUserFolder } from "../../tasks/command/user_folder.ts";

const SEQ = 64, NEW_TOKENS = 8, PROMPT = 16;

enterUserFolder();
const [folder, threadsText = "2"] = Deno.args;
if (folder === undefined) {
  throw new InputError("a model folder is missing", { repair: "pass it as the first word" });
}
const threads = Number(threadsText);

const rows: Record<string, { readonly coldMs: number; readonly warmMs: number; readonly peakBytes: number }> =
  {};

/** The first time includes making the session: reading the weights, casting and packing them. */
async function measure<T>(name: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  await work();
  const middle = performance.now();
  const result = await work();
  const end = performance.now();
  // maxRSS is in KiB.
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  rows[name] = { coldMs: Math.round(middle - start), warmMs: Math.round(end - middle), peakBytes };
  console.error(name, JSON.stringify(rows[name]));
  return result;
}

const model = await LanguageModel.open(folder, { threads });
const { vocab, embed, layers } = model.config;
// Any tokens will do; these are the same in Python.
const tokens = Array.from({ length: SEQ }, (_, index) => (index * 7919 + 13) % vocab);
const { logits } = await measure("forward", () => model.run([tokens]));
const [rollout] = await measure(
  "generate",
  () =>
    model.generate([{ tokens: tokens.slice(0, PROMPT), prompt: 0, sample: 0 }], {
      maxNewTokens: NEW_TOKENS,
      temperature: 0,
    }),
);
const steer = new Map(
  Array.from({ length: layers }, (_, layer) => [layer, new Float32Array(embed)] as const),
);
const { adjoints, logProbs } = await measure(
  "adjoint",
  () => model.steeringAdjoint([{ tokens, from: 1, weight: 1 / (SEQ - 1) }], { steer }),
);
await model.release();

const last = logits?.data.subarray(-vocab) ?? new Float32Array();
const norms = [...adjoints.values()].map((row) => Math.sqrt(row.reduce((sum, x) => sum + x * x, 0)));
console.log(JSON.stringify({
  threads,
  versions: { deno: Deno.version.deno, onnxruntime: runtimeReport().version },
  rows,
  // What the Python side compares itself with.
  check: {
    lastLogits: [...last.subarray(0, 8)],
    greedy: rollout?.tokens,
    logProbSum: logProbs[0]?.reduce((sum, x) => sum + x, 0),
    adjointNorms: norms,
  },
}));
