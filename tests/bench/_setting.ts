/**
 * How a benchmark file is run, read from the arguments after `--`, and the one way to declare a benchmark.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { openCheckpoint } from "../../lib/checkpoint/mod.ts";
import { elementCount } from "../../lib/core/mod.ts";
import { type BenchCase, CASES_FILE } from "../../tasks/model/bench_table.ts";
import { benchModel } from "../../tasks/model/bench_model.ts";

/** Sizes of the work. */
export interface Sizes {
  /** The main rollout: rows, tokens of each prompt, new tokens of each row. */
  readonly rollout: { readonly rows: number; readonly prompt: number; readonly newTokens: number };
  /** The main batch of whole rows; targets begin at token `from`. */
  readonly rows: { readonly rows: number; readonly seq: number; readonly from: number };
  /** Rows longer than memory could hold the values of, were they not computed again. */
  readonly longRows: { readonly rows: number; readonly seq: number };
  /** Positions that activations are patched at, in every layer. */
  readonly patched: number;
  readonly batches: readonly number[];
  readonly lengths: readonly number[];
  /** Tokens per iteration when the length grows: longer rows are fewer. */
  readonly tokensPerLength: number;
  readonly documentsPerStep: number;
  /** Pretraining steps per iteration. */
  readonly steps: number;
  /** Width of the square products that find the machine's peak. */
  readonly products: readonly number[];
  /** Values in the array that finds the machine's bandwidth: more than any cache holds. */
  readonly copied: number;
  /** Measured iterations of each benchmark. */
  readonly iterations: number;
}

/** For models that a laptop trains in minutes: the embedded zoo. */
const SMALL: Sizes = {
  rollout: { rows: 64, prompt: 38, newTokens: 48 },
  rows: { rows: 64, seq: 80, from: 38 },
  longRows: { rows: 8, seq: 512 },
  patched: 14,
  batches: [1, 4, 16, 64, 256],
  lengths: [64, 128, 256, 512],
  tokensPerLength: 4096,
  documentsPerStep: 96,
  steps: 3,
  products: [512, 1024, 2048],
  copied: 2 ** 25,
  iterations: 9,
};

/** For models of some hundred million parameters. */
const MEDIUM: Sizes = {
  ...SMALL,
  rollout: { rows: 32, prompt: 32, newTokens: 32 },
  longRows: { rows: 8, seq: 1024 },
  batches: [1, 8, 32],
  lengths: [64, 256],
  tokensPerLength: 512,
  iterations: 2,
};

/** For models of a billion parameters and more. */
const LARGE: Sizes = {
  ...MEDIUM,
  rollout: { rows: 1, prompt: 16, newTokens: 8 },
  rows: { rows: 1, seq: 64, from: 1 },
  longRows: { rows: 1, seq: 512 },
  patched: 1,
  batches: [1],
  lengths: [64],
  tokensPerLength: 64,
};

/** Parameters up to which a model is small, and of medium size. */
const SMALLEST = 5e7, MEDIUM_MOST = 5e8;

/** The sizes for a model of so many parameters. */
function sizesFor(parameters: number): Sizes {
  return parameters <= SMALLEST ? SMALL : parameters <= MEDIUM_MOST ? MEDIUM : LARGE;
}

const QUICK: Sizes = {
  rollout: { rows: 4, prompt: 6, newTokens: 4 },
  rows: { rows: 4, seq: 12, from: 6 },
  longRows: { rows: 2, seq: 24 },
  patched: 2,
  batches: [1, 4],
  lengths: [16, 32],
  tokensPerLength: 64,
  documentsPerStep: 4,
  steps: 1,
  products: [128],
  copied: 2 ** 16,
  iterations: 1,
};

/** What a benchmark file works with. */
export interface Setting {
  /** Folder of the model. */
  readonly folder: string;
  /** For files of this run alone. Whoever names it removes it; one that was not named goes with the process. */
  readonly scratch: string;
  readonly threads: number;
  readonly sizes: Sizes;
  /** Arguments without a dash. */
  readonly words: readonly string[];
  /** Declares a benchmark, and tells whoever asked for it what one iteration does. */
  readonly bench: (
    one: BenchCase,
    options: {
      readonly group: string;
      readonly baseline?: "yes";
      readonly fn: (context: Deno.BenchContext) => Promise<void>;
    },
  ) => void;
}

/** Parameters of a model. */
export async function parametersOf(folder: string): Promise<number> {
  const { weights } = await openCheckpoint(folder);
  return [...weights.values()].reduce((sum, { dims }) => sum + elementCount(dims), 0);
}

/** The sizes of `--rollout ROWS,PROMPT,NEW` and `--gradient ROWS,SEQ`; half of each row of a gradient are targets. */
function withSizes(sizes: Sizes, args: Readonly<Record<string, unknown>>): Sizes {
  const { rollout, rows } = sizes;
  const numbers = (name: string) => typeof args[name] === "string" ? args[name].split(",").map(Number) : [];
  const [count = rollout.rows, prompt = rollout.prompt, newTokens = rollout.newTokens] = numbers("rollout");
  const [batch = rows.rows, seq = rows.seq] = numbers("gradient");
  const from = seq === rows.seq ? rows.from : Math.ceil(seq / 2);
  return { ...sizes, rollout: { rows: count, prompt, newTokens }, rows: { rows: batch, seq, from } };
}

/** Reads `-- [--model DIR] [--threads N] [--quick] [--rollout R,P,N] [--gradient R,S] [--scratch DIR]`. */
export async function benchSetting(): Promise<Setting> {
  const args = parseArgs(Deno.args, {
    string: ["model", "threads", "scratch", "rollout", "gradient"],
    boolean: ["quick"],
  });
  const scratch: string = args.scratch ?? await Deno.makeTempDir({ prefix: "bench-" });
  if (args.scratch === undefined) {
    globalThis.addEventListener("unload", () => Deno.removeSync(scratch, { recursive: true }));
  }
  const folder = await benchModel(args.model, { scratch });
  const sizes = withSizes(args.quick ? QUICK : sizesFor(await parametersOf(folder)), args);
  const cases: BenchCase[] = [];
  return {
    folder,
    scratch,
    threads: Number(args.threads ?? 2),
    sizes,
    words: args._.map(String),
    bench: (one, { group, baseline, fn }) => {
      cases.push(one);
      Deno.writeTextFileSync(`${scratch}/${CASES_FILE}`, JSON.stringify(cases));
      Deno.bench({
        name: one.name,
        group,
        baseline: baseline === "yes",
        n: sizes.iterations,
        warmup: 1,
        // A function that only returns a promise would be timed up to that, and the next one begun beside it.
        fn: async (context) => await fn(context),
      });
    },
  };
}
