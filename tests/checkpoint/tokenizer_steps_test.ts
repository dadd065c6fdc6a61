import { assertEquals } from "@std/assert";
import { ChatTokenizer } from "../../lib/checkpoint/mod.ts";
import { golden, withFolder } from "./_folder.ts";

interface GoldenSteps {
  readonly kinds: Readonly<
    Record<string, {
      readonly tokenizer: unknown;
      readonly configs: Readonly<
        Record<string, {
          readonly config: unknown;
          readonly special: readonly number[];
          readonly rows: readonly (readonly [text: string, ids: readonly number[], decoded: string])[];
          readonly pieces: readonly string[];
        }>
      >;
    }>
  >;
}

const { kinds } = await golden<GoldenSteps>("tokenizer_steps.json");

for (const [kind, { tokenizer: json, configs }] of Object.entries(kinds)) {
  for (const [name, { config, special, rows, pieces }] of Object.entries(configs)) {
    Deno.test(`encode() and decode() give what transformers gives: ${kind}, configuration: ${name}`, async () => {
      await withFolder(async (folder) => {
        await Deno.writeTextFile(`${folder}/tokenizer.json`, JSON.stringify(json));
        await Deno.writeTextFile(`${folder}/tokenizer_config.json`, JSON.stringify(config));
        const tokenizer = await ChatTokenizer.open(folder, { onNotice: () => {} });
        for (const [text, ids, decoded] of rows) {
          assertEquals(tokenizer.encode(text), ids, JSON.stringify(text));
          assertEquals(tokenizer.decode(ids), decoded, JSON.stringify(text));
        }
        assertEquals(pieces.map((_, id) => tokenizer.tokenText(id)), pieces);
        assertEquals([...tokenizer.specialTokenIds].sort((a, b) => a - b), special);
      });
    });
  }
}

Deno.test("encode() says once that a text has letters without a token", async () => {
  const notices: string[] = [];
  const [left, unknown, letters] = [
    "digits, no control bytes",
    "no control bytes, unknown",
    "a letter for the space, nothing unknown",
  ].map((kind) => kinds[kind]?.tokenizer);
  for (const json of [left, unknown, letters]) {
    await withFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/tokenizer.json`, JSON.stringify(json));
      await Deno.writeTextFile(`${folder}/tokenizer_config.json`, "{}");
      const tokenizer = await ChatTokenizer.open(folder, {
        onNotice: (line) => notices.push(line.replace(folder, "FOLDER")),
      });
      tokenizer.encode("To solve");
      tokenizer.encode("a\x07b");
      tokenizer.encode("a\x07\x01b");
    });
  }
  assertEquals(notices, [
    "note: the tokenizer has no token for the byte 0x07 of a text: it leaves it out, as transformers does (FOLDER)",
    "note: the tokenizer has no token for the byte 0x07 of a text: it writes <unk> instead (FOLDER)",
    'note: the tokenizer has no token for "\\u0007" of a text: it leaves it out, as transformers does (FOLDER)',
  ]);
});
