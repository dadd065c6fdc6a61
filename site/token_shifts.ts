import { probabilityShift } from "../lib/analysis/mod.ts";
import { tensor } from "../lib/core/mod.ts";

/** What vectors change at each token of an answer. */
export interface TokenShifts {
  /** Δp of the token that came. */
  readonly shift: readonly number[];
  /** KL(base ‖ steered) of the distribution that it was drawn from, nats. */
  readonly kl: readonly number[];
}

/** Those of the tokens of an answer, from the logits [positions, vocab] of its text by both models. */
export function tokenShifts(
  logits: { readonly base: Float32Array; readonly steered: Float32Array },
  text: {
    readonly vocab: number;
    /** The answer. */
    readonly tokens: readonly number[];
    /** Tokens before it. */
    readonly prompt: number;
  },
): TokenShifts {
  const { vocab, tokens, prompt } = text, follow = [...new Set(tokens)];
  const rows = (all: Float32Array) =>
    tensor(
      "float32",
      [tokens.length, vocab],
      all.subarray((prompt - 1) * vocab).subarray(0, tokens.length * vocab),
    );
  if (tokens.length === 0) return { shift: [], kl: [] };
  const { followed, klNats } = probabilityShift({ base: rows(logits.base), steered: rows(logits.steered) }, {
    follow,
  });
  return {
    shift: tokens.map((token, row) => followed[follow.indexOf(token)]?.[row] as number),
    kl: [...klNats],
  };
}
