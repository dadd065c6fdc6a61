import { InputError } from "../../core/mod.ts";
import type { ChatTokenizer } from "./chat_tokenizer.ts";

/** Where a token that ends an answer is named. */
export type EndTokenSource =
  | "config.json"
  | "generation_config.json"
  | "tokenizer_config.json"
  | "chat template";

/** A token that ends an answer. */
export interface EndToken {
  /** Its id. */
  readonly id: number;
  /** Its text, where the folder has a tokenizer. */
  readonly text: string | null;
  /** What names it, in the order of {@link EndTokenSource}. */
  readonly sources: readonly EndTokenSource[];
  /** Whether it opens the turn after the answer instead of closing the answer: a text that has it went too far. */
  readonly opensTurn: boolean;
}

/** Tokens that config.json and generation_config.json name, each with its file. */
export type StatedEndTokens = readonly (readonly [source: EndTokenSource, ids: readonly number[]])[];

/**
 * All tokens that end an answer: those that the configurations state, the tokenizer's `eos_token`, and what the chat
 * template writes between an answer and the next question. Files disagree about them; a text that goes on behind any of
 * them is an invented turn. Ids that the model has no row for are left to who opens the tokenizer for the model.
 */
export function endTokensOf(
  stated: StatedEndTokens,
  options: { readonly tokenizer: ChatTokenizer | null; readonly vocab: number },
): readonly EndToken[] {
  const { tokenizer, vocab } = options, turns = tokenizer?.turnTokens() ?? { closing: null, opening: null };
  const named: StatedEndTokens = [
    ...stated,
    [
      "tokenizer_config.json",
      tokenizer === null || tokenizer.eosTokenId === null ? [] : [tokenizer.eosTokenId],
    ],
    ["chat template", turns.closing === null ? [] : [turns.closing]],
  ];
  const closing = [...new Set(named.flatMap(([, ids]) => ids))].map((id) => ({
    id,
    text: tokenizer?.tokenText(id) ?? null,
    sources: named.filter(([, ids]) => ids.includes(id)).map(([source]) => source),
    opensTurn: false,
  }));
  const opens = turns.opening !== null && closing.every(({ id }) => id !== turns.opening)
    ? [{
      id: turns.opening,
      text: tokenizer?.tokenText(turns.opening) ?? null,
      sources: ["chat template" as const],
      opensTurn: true,
    }]
    : [];
  return [...closing, ...opens].filter(({ id }) => id < vocab);
}

/** The tokenizer, or null where it is one that cannot be used: who asks for it hears why. */
export async function usableTokenizer(tokenizer: Promise<ChatTokenizer>): Promise<ChatTokenizer | null> {
  try {
    return await tokenizer;
  } catch (fault) {
    if (fault instanceof InputError) return null;
    throw fault;
  }
}
