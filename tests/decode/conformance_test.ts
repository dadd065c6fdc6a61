import { assertRejects } from "@std/assert";
import { writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { InputError } from "../../lib/core/mod.ts";
import { LanguageModel, type OpenOptions } from "../../lib/decode/mod.ts";
import { GraphBuilder } from "../../lib/onnx/mod.ts";
import { Session } from "../../lib/runtime/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import type { ToleranceName } from "../tolerances.ts";
import { CONFORMANCE_CASES, type ConformancePair } from "./_conformance.ts";

/** Why a GPU cannot be had here; null where it can. */
async function cudaLack(): Promise<string | null> {
  const g = new GraphBuilder("probe");
  g.output("y", g.apply("Neg", [g.input("x", "float32", [1])]));
  try {
    await (await Session.create(g.build(), { device: "cuda" })).release();
    return null;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

const lack = await cudaLack();

/** A family with biases, and one with norms of heads: between them they have every part that a block can have. */
const FAMILIES = ["qwen2", "qwen3"] as const;

/** Grouped queries and a head of 16, so that the fused kernel decodes; another seed is another model. */
async function withPair(
  options: OpenOptions & {
    readonly tolerance: ToleranceName;
    readonly architecture?: typeof FAMILIES[number];
    readonly seed?: number;
  },
  body: (pair: ConformancePair) => Promise<void>,
): Promise<void> {
  const { tolerance, seed = 4, architecture = "qwen2", ...open } = options;
  await withFolder(async (folder) => {
    const config = tinyConfig({ architecture, eosTokenIds: [0] });
    // A 16-bit file, as real checkpoints are: every dtype starts from the same weights.
    await writeRandomCheckpoint(`${folder}/a`, { config, dtype: "bfloat16", seed: 4 });
    await writeRandomCheckpoint(`${folder}/b`, { config, dtype: "bfloat16", seed });
    const reference = await LanguageModel.open(`${folder}/a`, { threads: 1 });
    const candidate = await LanguageModel.open(`${folder}/b`, { threads: 1, ...open });
    try {
      await body({ reference, candidate, tolerance });
    } finally {
      await reference.release();
      await candidate.release();
    }
  });
}

/** Runs the whole suite; a failure says which case failed. */
const suite = (options: OpenOptions & { readonly tolerance: ToleranceName }) => async () => {
  for (const architecture of FAMILIES) {
    await withPair({ ...options, architecture }, async (pair) => {
      for (const { name, check } of CONFORMANCE_CASES) {
        await check(pair).catch((error: Error) => {
          throw new Error(`${architecture}, ${name}: ${error.message}`, { cause: error });
        });
      }
    });
  }
};

Deno.test(
  "conformance on the CPU in float32",
  suite({ device: "cpu", dtype: "float32", tolerance: "forwardFloat32" }),
);
Deno.test(
  "conformance on the CPU in float16",
  suite({ device: "cpu", dtype: "float16", tolerance: "conformanceFloat16" }),
);
Deno.test(
  "conformance on CUDA in float32",
  { ignore: lack !== null },
  suite({ device: "cuda", dtype: "float32", tolerance: "conformanceCudaFloat32" }),
);
Deno.test(
  "conformance on CUDA in bfloat16",
  { ignore: lack !== null },
  suite({ device: "cuda", dtype: "bfloat16", tolerance: "conformanceCudaBfloat16" }),
);
Deno.test(
  "conformance on CUDA in float16",
  { ignore: lack !== null },
  suite({ device: "cuda", dtype: "float16", tolerance: "conformanceCudaFloat16" }),
);

Deno.test("every comparison of the suite finds another model out", () =>
  withPair({ device: "cpu", tolerance: "conformanceCudaBfloat16", seed: 5 }, async (pair) => {
    // A batch and its rows come from one model, so that case compares nothing with the reference.
    for (const { name, check } of CONFORMANCE_CASES.filter(({ name }) => !name.startsWith("a batch"))) {
      await assertRejects(() => check(pair), Error, undefined, name);
    }
  }));

Deno.test("a dtype that the CPU has no kernels for is refused before any work, in one line", () =>
  withPair({ device: "cpu", dtype: "bfloat16", tolerance: "conformanceFloat16" }, async ({ candidate }) => {
    const message = 'device "cpu" cannot run graph "rollout": node "';
    await assertRejects(() => candidate.checkDevice(), InputError, message);
    await assertRejects(() => candidate.run([[1]]), InputError, "in bfloat16, which cpu takes in");
  }));
