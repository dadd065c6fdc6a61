import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { GgufValue } from "../../../lib/checkpoint/gguf/_gguf_header.ts";
import { GgufMetadata } from "../../../lib/checkpoint/gguf/_gguf_metadata.ts";
import { TEXT_SPLITS } from "../../../lib/checkpoint/gguf/_text_split.ts";
import { ggufTokenizer } from "../../../lib/checkpoint/gguf/_gguf_tokenizer.ts";
import { ChatTokenizer } from "../../../lib/checkpoint/mod.ts";
import { InputError } from "../../../lib/core/mod.ts";
import { golden, withFolder } from "../_folder.ts";

interface Splits {
  /** All tokens by id; the last `added` of them are special. */
  readonly tokens: readonly string[];
  readonly merges: readonly string[];
  readonly added: number;
  readonly ids: Readonly<
    Record<string, readonly { readonly text: string; readonly ids: readonly number[] }[]>
  >;
}

const { splits: SPLITS } = await golden<{ readonly splits: Splits }>("gguf_files.json");
const FIRST_ADDED = SPLITS.tokens.length - SPLITS.added, BOS = "<|begin_of_text|>", EOT = "<|eot_id|>";

/** Metadata with the golden tokenizer, as a file would hold it. */
function metadataOf(changes: Readonly<Record<string, GgufValue>>): GgufMetadata {
  const metadata = new Map<string, GgufValue>(Object.entries({
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.tokens": SPLITS.tokens,
    "tokenizer.ggml.token_type": SPLITS.tokens.map((_, id) => id < FIRST_ADDED ? 1 : 3),
    "tokenizer.ggml.merges": SPLITS.merges,
    "tokenizer.ggml.bos_token_id": SPLITS.tokens.indexOf(BOS),
    ...changes,
  }));
  return new GgufMetadata({ where: "x.gguf", metadata, tensors: new Map() });
}

/** The tokenizer as it is opened from the folder. */
async function opened(
  metadata: GgufMetadata,
  body: (tokenizer: ChatTokenizer, json: string) => void,
): Promise<void> {
  await withFolder(async (folder) => {
    const made = ggufTokenizer(metadata, {});
    assert(made !== null);
    for (const [name, content] of made.files) await Deno.writeTextFile(`${folder}/${name}`, content);
    body(await ChatTokenizer.open(folder), made.files.get("tokenizer.json") as string);
  });
}

Deno.test("ggufTokenizer() cuts texts as the tokenizers library does, for every name that is known", async () => {
  const tried = new Set<string>();
  for (const { names } of TEXT_SPLITS) {
    const measured = names.find((name) => Object.hasOwn(SPLITS.ids, name));
    assert(measured !== undefined, `no golden ids for ${names}`);
    tried.add(measured);
    for (const name of names) {
      await opened(metadataOf({ "tokenizer.ggml.pre": name }), (tokenizer) => {
        for (const { text, ids } of SPLITS.ids[measured] ?? []) {
          assertEquals([name, text, tokenizer.encode(text)], [name, text, ids]);
        }
      });
    }
  }
  assertEquals([...tried].sort(), Object.keys(SPLITS.ids).sort());
  // Every kind differs from every other on some text, or the table would say the same thing twice.
  const all = Object.values(SPLITS.ids).map((cases) => JSON.stringify(cases));
  assertEquals(new Set(all).size, all.length);
});

Deno.test("ggufTokenizer() keeps added tokens apart from special ones, and rows without a token out", async () => {
  const tokens = SPLITS.tokens.slice(0, FIRST_ADDED), count = FIRST_ADDED;
  const metadata = metadataOf({
    "tokenizer.ggml.pre": "gpt-2",
    "tokenizer.ggml.tokens": [...tokens, "<|end|>", "<tool> \n", "__proto__", "[PAD9]", "[PAD9]", "<|turn|>"],
    "tokenizer.ggml.token_type": [...tokens.map(() => 1), 3, 4, 4, 5, 5, 1],
    "tokenizer.ggml.bos_token_id": count,
    "tokenizer.ggml.eos_token_id": count,
    "tokenizer.ggml.eot_token_id": count + 5,
    "tokenizer.ggml.eom_token_id": count,
  });
  const made = ggufTokenizer(metadata, {});
  assertEquals([made?.tokens, made?.ids], [count + 4, {
    bos: count,
    pad: null,
    unknown: null,
    ends: [count, count + 5],
  }]);
  await opened(metadata, (tokenizer) => {
    // The kind of the last one says nothing, but it ends a turn.
    assertEquals(tokenizer.specialTokenIds, new Set([count, count + 5]));
    assertEquals(tokenizer.encode("<|end|><tool> \n<|turn|>__proto__"), [
      count,
      count + 1,
      count + 5,
      count + 2,
    ]);
    assertEquals(
      tokenizer.decode([count, count + 1, count + 3, count + 5], { specialTokens: "skip" }),
      "<tool> \n",
    );
    assert(!tokenizer.encode("[PAD9]").some((id) => id >= count));
  });
});

Deno.test("ggufTokenizer() writes what other programs put around a text: by the file, else by the kind", () => {
  const around = (changes: Readonly<Record<string, GgufValue>>) => {
    const made = ggufTokenizer(
      metadataOf({ "tokenizer.ggml.eos_token_id": SPLITS.tokens.indexOf(EOT), ...changes }),
      {},
    );
    const { post_processor: step } = JSON.parse(made?.files.get("tokenizer.json") ?? "") as {
      post_processor: { processors?: { single?: Record<string, { id: string }>[] }[] };
    };
    return step.processors?.[1]?.single?.map((piece) => Object.values(piece)[0]?.id).join(" ") ?? "A";
  };
  const pre = "tokenizer.ggml.pre";
  assertEquals(around({ [pre]: "llama-bpe" }), `${BOS} A`);
  assertEquals(around({ [pre]: "llama-bpe", "tokenizer.ggml.add_bos_token": false }), "A");
  assertEquals(around({ [pre]: "qwen2" }), "A");
  assertEquals(around({ [pre]: "qwen2", "tokenizer.ggml.add_bos_token": true }), `${BOS} A`);
  const both = { "tokenizer.ggml.add_bos_token": true, "tokenizer.ggml.add_eos_token": true };
  assertEquals(around({ [pre]: "gpt-2", ...both }), `${BOS} A ${EOT}`);
});

Deno.test("ggufTokenizer() lists the names that --pre can have where the file's is unknown", () => {
  const metadata = metadataOf({ "tokenizer.ggml.pre": "viking" });
  const { message } = assertThrows(() => ggufTokenizer(metadata, {}), InputError);
  assertStringIncludes(
    message,
    'how the tokenizer cuts texts is not known: "viking": "tokenizer.ggml.pre" of x.gguf',
  );
  for (const { names } of TEXT_SPLITS) for (const name of names) assertStringIncludes(message, name);
});
