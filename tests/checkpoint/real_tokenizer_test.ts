import { assertEquals } from "@std/assert";
import { ChatTokenizer, type ChatTurn } from "../../lib/checkpoint/mod.ts";
import { sha256 } from "../../lib/core/mod.ts";
import { golden } from "./_folder.ts";

/** The tokenizer of a real model, which is no part of the project: read where it lies beside it, else skipped. */
const FOLDER = new URL("../../../shared/real-model/", import.meta.url);

function isThere(): boolean {
  try {
    return Deno.statSync(FOLDER).isDirectory;
  } catch (fault) {
    if (fault instanceof Deno.errors.NotFound) return false;
    throw fault;
  }
}

interface GoldenReal {
  readonly tokenizer: string;
  /** The text, its ids, and what they are decoded to where that is another text. */
  readonly rows: readonly (readonly [text: string, ids: readonly number[], decoded: string | null])[];
  readonly chats: readonly { readonly messages: readonly ChatTurn[]; readonly ids: readonly number[] }[];
  readonly eos: number;
}

Deno.test({
  name: "the tokenizer of ../shared/real-model encodes, decodes and renders as transformers does",
  ignore: !isThere(),
  async fn() {
    const { tokenizer: hash, rows, chats, eos } = await golden<GoldenReal>("real_tokenizer.json");
    const folder = decodeURIComponent(FOLDER.pathname).replace(/\/$/, ""), notices: string[] = [];
    assertEquals(sha256(await Deno.readFile(`${folder}/tokenizer.json`)), hash);
    const tokenizer = await ChatTokenizer.open(folder, { onNotice: (line) => notices.push(line) });
    for (const [text, ids, decoded] of rows) {
      assertEquals(tokenizer.encode(text), ids, JSON.stringify(text));
      assertEquals(tokenizer.decode(ids), decoded ?? text, JSON.stringify(text));
    }
    for (const { messages, ids } of chats) assertEquals(tokenizer.encodeChat(messages), ids);
    assertEquals(tokenizer.eosTokenId, eos);
    // It lacks tokens for control bytes, and says so once.
    assertEquals(notices.length, 1);
    const shorter = rows.filter(([text, , decoded]) => decoded !== null && decoded.length < text.length);
    assertEquals(shorter.length, 30);
  },
});
