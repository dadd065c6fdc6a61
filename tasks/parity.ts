import { dirname } from "node:path";
import { parity as measureParity, type ParityRow, readParityGolden } from "../lib/analysis/mod.ts";
import { ensureFolder, writeFileAtomic } from "../lib/checkpoint/mod.ts";
import { canonicalJson, sha256 } from "../lib/core/mod.ts";
import { LanguageModel } from "../lib/decode/mod.ts";
import { runtimeReport } from "../lib/runtime/mod.ts";
import { POSITIVE, wholeNumber } from "./_checks.ts";
import { defineCommand, main } from "./_command.ts";
import { EXIT_CODES } from "./_fault.ts";
import { checkWritable } from "./_output_place.ts";

/** Completions must have the same tokens; everything else lies within the tolerance of its largest value. */
function holds(row: ParityRow, tolerance: number): boolean {
  return row.relativeError <= tolerance && (!row.name.endsWith("decode") || row.argmaxAgreement === 1);
}

/** The table as lines: one row per value, numbers right-aligned, "-" where a value is no distribution. */
export function parityLines(table: readonly ParityRow[], tolerance: number): string[] {
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
  const widths = header.map((text, c) => Math.max(text.length, ...cells.map((row) => row[c]?.length ?? 0)));
  return [header, ...cells].map((row) =>
    row.map((cell, c) => c === 0 ? cell.padEnd(widths[c] as number) : cell.padStart(widths[c] as number))
      .join("  ")
  );
}

/** How far a model lies from what transformers says about it. */
export const parity = defineCommand({
  name: "parity",
  summary: "Compares a model with a golden file: logits, every site, cached decoding, steering adjoint.",
  flags: {
    model: { kind: "string", required: true, placeholder: "DIR", help: "Model folder" },
    golden: {
      kind: "string",
      required: true,
      placeholder: "FILE",
      help: "Golden file of this model, made by fixtures/golden/parity.py",
    },
    tolerance: {
      kind: "number",
      default: 1e-5,
      placeholder: "X",
      check: POSITIVE,
      help: "Largest error that holds, as a share of a value's largest element",
    },
    threads: {
      kind: "number",
      default: 2,
      placeholder: "N",
      check: wholeNumber(1),
      help: "Threads to compute with",
    },
    device: { kind: "string", choices: ["cpu", "cuda"], default: "cpu", help: "Where to compute" },
    out: { kind: "string", placeholder: "FILE", help: "JSON file for the table, hashes and settings" },
  },
  examples: [
    [
      "deno task parity --model out/llama/mqa_8_bfloat16 --golden fixtures/golden/llama/mqa_8_bfloat16.safetensors",
      "A tiny model of fixtures/golden/tiny_llama_cases.ts, written to out/llama before",
    ],
  ],
  async run({ flags, print }) {
    const { golden: path, tolerance, threads, device, out } = flags;
    if (out !== undefined) await checkWritable(out, { as: "file" });
    const model = await LanguageModel.open(flags.model, { threads, device });
    try {
      const golden = await readParityGolden(path, model);
      const table = await measureParity(model, golden);
      for (const line of parityLines(table, tolerance)) print(line);
      const beyond = table.filter((row) => !holds(row, tolerance)).length;
      print(
        beyond === 0
          ? `all ${table.length} values within ${tolerance} of their largest element`
          : `${beyond} of ${table.length} values beyond ${tolerance} of their largest element`,
      );
      if (out !== undefined) {
        const report = {
          kind: "parity",
          settings: { tolerance },
          inputs: { model: await model.checkpoint.hash(), golden: sha256(await Deno.readFile(path)) },
          device,
          dtype: "float32",
          versions: { onnxruntime: runtimeReport().version },
          // JSON has no infinity: an error without bound is null.
          table: table.map((row) =>
            Object.fromEntries(
              Object.entries(row).map(([key, value]) => [key, value === Infinity ? null : value]),
            )
          ),
        };
        await ensureFolder(dirname(out));
        await writeFileAtomic(out, `${canonicalJson(report)}\n`);
      }
      return beyond === 0 ? EXIT_CODES.done : EXIT_CODES.outside;
    } finally {
      await model.release();
    }
  },
});

if (import.meta.main) await main(parity);
