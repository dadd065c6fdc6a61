import { importGguf as importFile } from "../lib/checkpoint/mod.ts";
import { defineCommand, main } from "./command/command.ts";
import { importLines } from "./command/import_lines.ts";
import { checkNoModel, checkWritable } from "./command/output_place.ts";
import { BytesProgress } from "./command/progress.ts";

/** Turns a GGUF file into a Hugging Face folder. */
export const importGguf = defineCommand({
  name: "import-gguf",
  summary:
    "Turns a GGUF file of a Llama, Qwen2 or Qwen3 model into a Hugging Face folder that every command takes.",
  positionals: { metavar: "FILE", help: "The .gguf file of a whole model", least: 1, most: 1 },
  flags: {
    out: { kind: "string", required: true, metavar: "DIR", help: "Folder that gets the model" },
    dtype: {
      kind: "string",
      choices: ["bfloat16", "float16", "float32"],
      default: "bfloat16",
      help: "Type that the weights are rounded to; float32 keeps every number as it is",
    },
    pre: {
      kind: "string",
      metavar: "NAME",
      help: "How the tokenizer cuts texts, where the file does not say: a name of tokenizer.ggml.pre",
    },
    force: { kind: "boolean", help: "Replace another model in --out" },
  },
  examples: [
    [
      "deno task import-gguf model.Q4_K_M.gguf --out out/model",
      "Weights in bfloat16, tokenizer, chat template",
    ],
    ["deno task import-gguf model.gguf --out out/exact --dtype float32", "Every number as the file has it"],
  ],
  async run({ flags, positionals: [path = ""], print, signal, terminal }) {
    const { out, dtype, pre, force } = flags;
    await checkWritable(out, { as: "folder" });
    await checkNoModel(out, { force });
    const shown = new BytesProgress(terminal, "importing");
    const imported = await importFile(path, {
      out,
      dtype,
      ...(pre === undefined ? {} : { pre }),
      onProgress({ bytes, of }) {
        signal.throwIfAborted();
        shown.update(bytes, of);
      },
    });
    shown.finish();
    for (const line of importLines(imported, { out, dtype })) print(line);
  },
});

if (import.meta.main) await main(importGguf);
