import { wholeNumber } from "./_checks.ts";

/** Where a command computes and with how many threads: the same flags wherever a model runs. */
export const COMPUTE_FLAGS = {
  threads: {
    kind: "number",
    default: 2,
    placeholder: "N",
    check: wholeNumber(1),
    help: "Threads to compute with",
  },
  device: { kind: "string", choices: ["cpu", "cuda"], default: "cpu", help: "Where to compute" },
} as const;
