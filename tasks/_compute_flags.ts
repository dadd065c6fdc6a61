import type { LanguageModel, OpenOptions } from "../lib/decode/mod.ts";
import type { Device } from "../lib/runtime/mod.ts";
import { wholeNumber } from "./_checks.ts";
import type { Terminal } from "./_terminal.ts";

/** The model that a command works on. */
export const MODEL_FLAG = {
  kind: "string",
  required: true,
  metavar: "DIR",
  help: "Model folder, or owner/name@revision",
} as const;

/** Where a command computes, in what and with how many threads: the same flags wherever a model runs. */
export const COMPUTE_FLAGS = {
  threads: {
    kind: "number",
    default: 2,
    metavar: "N",
    check: wholeNumber(1),
    help: "Threads to compute with",
  },
  device: {
    kind: "string",
    choices: ["cpu", "cuda"],
    default: "cpu",
    help: "Where to compute; one that cannot be had is an error",
  },
  dtype: {
    kind: "string",
    choices: ["float32", "bfloat16", "float16"],
    help: "Type of matrices and KV cache; without it float32 on cpu, bfloat16 on cuda",
  },
  verbose: { kind: "boolean", help: "Also say what of the model's files is not read" },
} as const;

/** The values of those flags. */
interface ComputeValues {
  readonly threads: number;
  readonly device: Device;
  readonly dtype: "float32" | "bfloat16" | "float16" | undefined;
}

/** The values of those flags as options for opening a model. */
export function computeOptions(flags: ComputeValues): OpenOptions {
  const { threads, device, dtype } = flags;
  return { threads, device, ...(dtype === undefined ? {} : { dtype }) };
}

/** Writes what a model's folder holds beyond what is read of it, where the command is to be verbose. */
export function tellNotices(
  model: Pick<LanguageModel, "checkpoint">,
  options: { readonly verbose: boolean; readonly terminal: Pick<Terminal, "error"> },
): void {
  if (!options.verbose) return;
  for (const notice of model.checkpoint.notices) options.terminal.error(`note: ${notice}\n`);
}
