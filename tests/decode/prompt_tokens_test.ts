import { assertEquals, assertThrows } from "@std/assert";
import { ChatTokenizer } from "../../lib/checkpoint/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import { promptTokens } from "../../lib/decode/mod.ts";
import type { PromptTemplate } from "../../lib/problems/mod.ts";
import { golden, withFolder } from "../checkpoint/_folder.ts";

interface GoldenPrompts {
  readonly tokenizers: readonly {
    readonly family: "qwen" | "llama";
    readonly chat_template: string | null;
    readonly cases: readonly {
      readonly template: PromptTemplate;
      readonly question: string;
      readonly text: string;
      readonly ids: number[];
    }[];
  }[];
}

const { tokenizers } = await golden<GoldenPrompts>("prompt_template.json");

/** Opens a family's small tokenizer with another chat template, or with none. */
async function withTokenizer(
  which: { readonly family: string; readonly chat_template: string | null },
  body: (tokenizer: ChatTokenizer) => void,
): Promise<void> {
  await withFolder(async (folder) => {
    const source = new URL(`../../fixtures/golden/tokenizers/${which.family}/`, import.meta.url);
    await Deno.copyFile(new URL("tokenizer.json", source), `${folder}/tokenizer.json`);
    const config = JSON.parse(await Deno.readTextFile(new URL("tokenizer_config.json", source)));
    await Deno.writeTextFile(
      `${folder}/tokenizer_config.json`,
      JSON.stringify({ ...config, chat_template: which.chat_template }),
    );
    body(await ChatTokenizer.open(folder));
  });
}

for (const { family, chat_template, cases } of tokenizers) {
  const kind = chat_template === null ? "without a chat template" : "by its chat template";
  Deno.test(`promptTokens() gives the ids that transformers gives: ${family}, ${kind}, ${cases.length} prompts`, () =>
    withTokenizer({ family, chat_template }, (tokenizer) => {
      for (const { template, question, text, ids } of cases) {
        const tokens = promptTokens(tokenizer, question, { template });
        assertEquals(tokenizer.decode(tokens), family === "qwen" ? text.normalize("NFC") : text);
        assertEquals(tokens, ids, `${template}: ${question}`);
      }
    }));
}

Deno.test("promptTokens() refuses a template that the paper has no prompt of for the model", async () => {
  const [qwenChat, , llamaBase] = tokenizers;
  await withTokenizer(qwenChat!, (tokenizer) => {
    assertThrows(
      () => promptTokens(tokenizer, "?", { template: "r1" }),
      InputError,
      'the template "r1" is for models without a chat template (use qwen_math, which is for both)',
    );
  });
  await withTokenizer(llamaBase!, (tokenizer) => {
    assertThrows(
      () => promptTokens(tokenizer, "?", { template: "qwen_math", system: "Sing." }),
      InputError,
      "a model without a chat template takes no system prompt",
    );
    assertThrows(
      () => promptTokens(tokenizer, "?"),
      InputError,
      'the template "embedded" is for models with a chat template',
    );
  });
});
