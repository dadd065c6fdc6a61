import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import {
  parity as measureParity,
  type ParityRow,
  readParityGolden,
  writeGoldenModel,
} from "../lib/analysis/mod.ts";
import { architectureRow, ARCHITECTURES } from "../lib/checkpoint/mod.ts";
import { InputError, sha256 } from "../lib/core/mod.ts";
import { LanguageModel, type OpenOptions } from "../lib/decode/mod.ts";
import { alignedLines } from "../lib/report/mod.ts";
import { runtimeReport } from "../lib/runtime/mod.ts";
import { POSITIVE } from "./command/checks.ts";
import { COMPUTE_FLAGS, computeOptions, tellNotices } from "./command/compute_flags.ts";
import { defineCommand, main } from "./command/command.ts";
import { EXIT_CODES } from "./command/fault.ts";
import { checkWritable, writeReport } from "./command/output_place.ts";

/** Completions must have the same tokens; everything else lies within the tolerance of its largest value. */
function holds(row: ParityRow, tolerance: number): boolean {
  return row.relativeError <= tolerance && (!row.name.endsWith("decode") || row.argmaxAgreement === 1);
}

/** The table as lines: one row per value, numbers right-aligned, "-" where a value is no distribution. */
export function parityLines(table: readonly ParityRow[], tolerance: number): readonly string[] {
  const short = (value: number): string => value === 0 ? "0" : value.toExponential(1);
  const cells = table.map((row) => [
    row.name,
    short(row.maxError),
    short(row.meanError),
    short(row.relativeError),
    row.argmaxAgreement === null ? "-" : `${(row.argmaxAgreement * 100).toFixed(1)} %`,
    // Rounding may leave a divergence of zero a hair below it.
    row.klNats === null ? "-" : short(Math.max(0, row.klNats)),
    holds(row, tolerance) ? "ok" : "beyond",
  ]);
  const header = ["value", "max error", "mean error", "max / largest", "same argmax", "KL nats", "verdict"];
  return alignedLines([header, ...cells]);
}

/**
 * The goldens that are shipped, each with the recipe of its random model. Families with more kinds of site come first,
 * so that the worst of each kind are listed in the order of computation.
 */
const SHIPPED = ARCHITECTURES.toSorted((a, b) =>
  Number(architectureRow(b).headNorms) - Number(architectureRow(a).headNorms)
).map((family) => new URL(`../fixtures/golden/${family}/`, import.meta.url));

function shippedGoldens(): string[] {
  return SHIPPED.flatMap((folder) =>
    [...Deno.readDirSync(folder)].map((entry) => entry.name)
      .filter((name) => name.endsWith(".safetensors")).sort()
      .map((name) => fileURLToPath(new URL(name, folder)))
  );
}

/** The worst of each kind of value over blocks and models: `blocks.1.q` counts as `q`. */
export function worstByKind(tables: readonly (readonly ParityRow[])[]): readonly ParityRow[] {
  const worst = new Map<string, ParityRow>();
  for (const row of tables.flat()) {
    const name = row.name.replace(/^blocks\.\d+\./, "");
    const known = worst.get(name) ?? { ...row, name };
    const least = (a: number | null, b: number | null) => a === null || b === null ? null : Math.min(a, b);
    const most = (a: number | null, b: number | null) => a === null || b === null ? null : Math.max(a, b);
    worst.set(name, {
      name,
      maxError: Math.max(known.maxError, row.maxError),
      meanError: Math.max(known.meanError, row.meanError),
      relativeError: Math.max(known.relativeError, row.relativeError),
      argmaxAgreement: least(known.argmaxAgreement, row.argmaxAgreement),
      klNats: most(known.klNats, row.klNats),
    });
  }
  return [...worst.values()];
}

/** One golden file's comparison. */
interface Comparison {
  readonly golden: string;
  readonly inputs: { readonly model: string; readonly golden: string };
  readonly table: readonly ParityRow[];
}

async function compare(
  folder: string,
  golden: string,
  options: OpenOptions & { readonly opened: (model: LanguageModel) => void },
): Promise<Comparison> {
  const { opened, ...opening } = options;
  const model = await LanguageModel.open(folder, opening);
  try {
    opened(model);
    await model.checkDevice();
    const table = await measureParity(model, await readParityGolden(golden, model));
    const inputs = { model: await model.checkpoint.hash(), golden: sha256(await Deno.readFile(golden)) };
    return { golden, inputs, table };
  } finally {
    await model.release();
  }
}

/** The same with the model made again from the golden's recipe, in a folder that goes away. */
async function compareRecipe(golden: string, options: Parameters<typeof compare>[2]): Promise<Comparison> {
  const folder = await Deno.makeTempDir({ prefix: "parity-" });
  try {
    await writeGoldenModel(golden, folder);
    return await compare(folder, golden, options);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** How far a model lies from what transformers says about it. */
export const parity = defineCommand({
  name: "parity",
  summary: "Compares models with golden files: logits, every site, cached decoding, steering adjoint.",
  flags: {
    model: {
      kind: "string",
      metavar: "DIR",
      help: "Model folder or owner/name@revision; without it the random model that the golden file describes",
    },
    golden: {
      kind: "string",
      metavar: "FILE",
      help:
        "Golden file, made by fixtures/golden/parity.py; without it all shipped ones, the worst of each kind",
    },
    tolerance: {
      kind: "number",
      default: 1e-5,
      metavar: "X",
      check: POSITIVE,
      help: "Largest error that holds, as a share of a value's largest element",
    },
    ...COMPUTE_FLAGS,
    out: { kind: "string", metavar: "FILE", help: "JSON file for the tables, hashes and settings" },
  },
  examples: [
    ["deno task parity", "Every shipped golden file: tiny random models of every family"],
    [
      "deno task parity --golden fixtures/golden/llama/mqa_8_bfloat16.safetensors",
      "One of them, site by site",
    ],
    [
      "deno task parity --model ./Llama-3.2-1B --golden llama.safetensors",
      "A checkpoint and the golden file that fixtures/golden/parity.py made of it",
    ],
  ],
  async run({ flags, print, signal, terminal }) {
    const { model, golden, tolerance, device, out } = flags;
    if (out !== undefined) await checkWritable(out, { as: "file" });
    if (model !== undefined && golden === undefined) {
      throw new InputError("--golden is missing", { repair: "a model is compared with a file made from it" });
    }
    const comparisons: Comparison[] = [];
    for (const path of golden === undefined ? shippedGoldens() : [golden]) {
      // What was made from a recipe has nothing that its maker does not know.
      const verbose = flags.verbose && model !== undefined;
      const opened = (model: LanguageModel) => tellNotices(model, { verbose, terminal });
      const options = { ...computeOptions(flags, terminal), opened };
      comparisons.push(
        await (model === undefined ? compareRecipe(path, options) : compare(model, path, options)),
      );
      signal.throwIfAborted();
    }
    const tables = comparisons.map((comparison) => comparison.table);
    const shown = golden === undefined ? worstByKind(tables) : tables.flat();
    for (const line of parityLines(shown, tolerance)) print(line);
    const all = tables.flat(), beyond = all.filter((row) => !holds(row, tolerance)).length;
    const files = comparisons.length === 1 ? "" : ` of ${comparisons.length} models`;
    print(
      beyond === 0
        ? `all ${all.length} values${files} within ${tolerance} of their largest element`
        : `${beyond} of ${all.length} values${files} beyond ${tolerance} of their largest element`,
    );
    if (out !== undefined) {
      const report = {
        kind: "parity",
        settings: { tolerance },
        device,
        dtype: flags.dtype ?? (device === "cuda" ? "bfloat16" : "float32"),
        versions: { onnxruntime: runtimeReport().version },
        comparisons: comparisons.map(({ golden, inputs, table }) => ({
          golden: basename(golden),
          inputs,
          // JSON has no infinity: an error without bound is null.
          table: table.map((row) =>
            Object.fromEntries(
              Object.entries(row).map(([key, value]) => [key, value === Infinity ? null : value]),
            )
          ),
        })),
      };
      await writeReport(out, report);
    }
    return beyond === 0 ? EXIT_CODES.done : EXIT_CODES.outside;
  },
});

if (import.meta.main) await main(parity);
