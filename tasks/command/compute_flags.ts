import type { EndToken } from "../../lib/checkpoint/mod.ts";
import type { LanguageModel, OpenOptions } from "../../lib/decode/mod.ts";
import type { Device } from "../../lib/runtime/mod.ts";
import { bytesOf, MEMORY, wholeNumber } from "./checks.ts";
import { sessionProgress } from "./session_progress.ts";
import type { Terminal } from "./terminal.ts";

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
  memory: {
    kind: "string",
    metavar: "SIZE",
    check: MEMORY,
    help: "Memory that the model may take, as 4GB; without it half of what is free",
  },
  date: {
    kind: "string",
    metavar: "DAY",
    help: "The day that a chat template shows where it asks for one, as 2024-07-26",
  },
  verbose: { kind: "boolean", help: "Also say what of the model's files is not read" },
} as const;

/** The values of those flags. */
interface ComputeValues {
  readonly threads: number;
  readonly device: Device;
  readonly dtype: "float32" | "bfloat16" | "float16" | undefined;
  readonly memory?: string | undefined;
  readonly date?: string | undefined;
}

/** The values of those flags as options for opening a model; its sessions are told of on a terminal. */
export function computeOptions(flags: ComputeValues, terminal?: Terminal): OpenOptions {
  const { threads, device, dtype, date } = flags;
  const memory = flags.memory === undefined ? null : bytesOf(flags.memory);
  return {
    threads,
    device,
    ...(memory === null ? {} : { memory }),
    ...(dtype === undefined ? {} : { dtype }),
    ...(date === undefined ? {} : { date }),
    ...(terminal === undefined ? {} : { onSession: sessionProgress(terminal) }),
  };
}

/** The tokens that end an answer, each with the files that name it, in one line. */
export function endTokensText(tokens: readonly EndToken[]): string {
  if (tokens.length === 0) return "no token";
  return tokens.map(({ id, text, sources, opensTurn }) =>
    `${text === null ? `token ${id}` : JSON.stringify(text)} (${opensTurn ? "next turn of the " : ""}${
      sources.join(", ")
    })`
  ).join(", ");
}

/** Whether some file that names a token that closes an answer leaves out one that another names. */
function disagree(tokens: readonly EndToken[]): boolean {
  const closing = tokens.filter(({ opensTurn }) => !opensTurn);
  const sources = new Set(closing.flatMap((token) => token.sources));
  return closing.some((token) => token.sources.length < sources.size);
}

/**
 * Writes at which tokens answers end where a model's files disagree about them, and, where the command is to be
 * verbose, what its folder holds beyond what is read of it.
 */
export function tellNotices(
  model: Pick<LanguageModel, "checkpoint">,
  options: { readonly verbose: boolean; readonly terminal: Pick<Terminal, "error"> },
): void {
  const { verbose, terminal } = options, { notices, endTokens } = model.checkpoint;
  for (const notice of verbose ? notices : []) terminal.error(`note: ${notice}\n`);
  if (verbose || disagree(endTokens)) terminal.error(`note: answers end at ${endTokensText(endTokens)}\n`);
}
