import { type Additions, byLayer, type LanguageModel, tokenShifts } from "../lib/decode/mod.ts";

/** What additions change at each token of an answer. */
export interface AnswerShifts {
  /** Δp of the token that came. */
  readonly shift: readonly number[];
  /** KL(base ‖ steered) of the distribution that it was drawn from, nats. */
  readonly kl: readonly number[];
}

/** What additions change at each token of an answer to a prompt; nothing where there are none. */
export async function answerShifts(
  model: LanguageModel,
  text: { readonly prompt: readonly number[]; readonly tokens: readonly number[] },
  additions: Additions,
): Promise<AnswerShifts> {
  const { prompt, tokens } = text, follow = [...new Set(tokens)], none = tokens.map(() => 0);
  const steer = byLayer(additions.steer, "steer"), { layers, embed } = model.config;
  if (tokens.length === 0 || steer.size === 0) return { shift: none, kl: none };
  // Every layer is named, so that one graph serves any choice of them.
  const every = Array.from(
    { length: layers },
    (_, layer) => [layer, steer.get(layer) ?? new Float32Array(embed)] as const,
  );
  const rows = { tokens: [...prompt, ...tokens], from: prompt.length - 1, rows: tokens.length };
  const [compared] = await tokenShifts(model, rows, {
    additions: { ...additions, steer: new Map(every) },
    follow,
  });
  const { followed = [], klNats = none } = compared?.shift ?? {};
  return {
    shift: tokens.map((token, row) => followed[follow.indexOf(token)]?.[row] as number),
    kl: [...klNats],
  };
}
