import type { ImportedGguf } from "../../lib/checkpoint/mod.ts";
import { mebibytes } from "./progress.ts";

/** What was imported, and what to do next. */
export function importLines(
  imported: ImportedGguf,
  options: { readonly out: string; readonly dtype: string },
): readonly string[] {
  const { config, parameters, types, bytes, tokenizer } = imported, { out, dtype } = options;
  const from = [...types].sort(([a], [b]) => (a < b ? -1 : 1)).map(([type, count]) => `${count} ${type}`);
  const ends = config.eosTokenIds.join(" or ");
  return [
    `${out}: ${config.architecture}, ${config.layers} layers × ${config.embed}, ${parameters} parameters in ${dtype} ` +
    `(${mebibytes(bytes)} MiB)`,
    `weights: ${[...types.values()].reduce((sum, count) => sum + count)} tensors, ${from.join(", ")}`,
    ...(tokenizer === null
      ? [
        "no tokenizer in the file: put tokenizer.json and tokenizer_config.json of the model beside the weights",
      ]
      : [
        `tokenizer: ${tokenizer.tokens} tokens, texts are cut as "${tokenizer.split}", ` +
        (ends === "" ? "no token ends a text" : `a text ends with token ${ends}`),
        `next: deno task evaluate --model ${out}`,
      ]),
  ];
}
