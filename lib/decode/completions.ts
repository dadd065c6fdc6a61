import type { ChatTokenizer } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import type { ChatMessage } from "../problems/mod.ts";
import type { ModelGraphs } from "./_model_graphs.ts";
import { rolloutEngine } from "./_rollout_engine.ts";
import {
  numbered,
  type RolloutEngine,
  type RolloutRequest,
  sampleRollouts,
  type SamplingOptions,
  type Unfinished,
} from "./rollout.ts";
import { type SteppedOptions, steppedRollouts } from "./stepped_rollouts.ts";

/** What is to be continued: a text as it stands, a conversation for the chat template, or token ids. */
export type CompletionPrompt = string | readonly ChatMessage[] | readonly number[];

/** How texts are completed. */
export interface CompletionOptions extends SamplingOptions {
  /** Texts that end a completion, beside the model's own stop tokens; they are no part of it. `@default []` */
  readonly stop?: readonly string[] | undefined;
  /** A factor for each prompt on all that steers it. `@default` 1 */
  readonly strength?: readonly number[] | undefined;
}

/** Why a completion ended: by a stop token or text, or because it had as many tokens as it may. */
export type FinishReason = "stop" | "length";

/** A completed text. */
export interface TextCompletion {
  /** What was written, without what ended it. */
  readonly text: string;
  /** Its token ids, with those of what ended it. */
  readonly tokens: readonly number[];
  /** Log-probability of each of them at the sampling temperature (at temperature 1 when greedy). */
  readonly logProbs: readonly number[];
  /** Why it ended. */
  readonly finishReason: FinishReason;
}

/** A token of a text that is being written. */
export interface StreamedToken {
  /** Its id. */
  readonly token: number;
  /** Its log-probability, as in {@link TextCompletion}. */
  readonly logProb: number;
  /** What can be shown now: a letter of several tokens comes with its last one, and so does what may begin a stop text. */
  readonly text: string;
  /** Why the text ended with this token; null while it goes on. */
  readonly finishReason: FinishReason | null;
}

/** A model as far as completions need it. */
export interface Completing {
  readonly graphs: ModelGraphs;
  readonly tokenizer: ChatTokenizer;
}

/** Tokens looked at again for a stop text, for each of its letters: a letter has four bytes at most, a token one at least. */
const TOKENS_PER_LETTER = 4;
/** Tokens drawn between two looks for stop texts where nobody watches. */
const STEPS = 8;

function promptTokensOf(prompt: CompletionPrompt, tokenizer: ChatTokenizer): readonly number[] {
  if (typeof prompt === "string") return tokenizer.encode(prompt);
  const [first] = prompt;
  return typeof first === "number"
    ? prompt as readonly number[]
    : tokenizer.encodeChat(prompt as readonly ChatMessage[]);
}

function requestsOf(
  prompts: readonly CompletionPrompt[],
  tokenizer: ChatTokenizer,
  strength: CompletionOptions["strength"],
) {
  if (strength !== undefined && strength.length !== prompts.length) {
    throw new RangeError(
      `Cannot complete as strength must have a number for each of ${prompts.length} prompts: current count is ${strength.length}`,
    );
  }
  return prompts.map((prompt, place): RolloutRequest => {
    const tokens = promptTokensOf(prompt, tokenizer);
    if (tokens.length === 0) {
      throw new InputError(`prompt ${place} has no tokens`, { repair: "write something in it" });
    }
    return { tokens, strength: strength?.[place] };
  });
}

/** Where the first of the stop texts begins in a text; −1 where there is none. */
function stopPlace(text: string, stop: readonly string[]): number {
  const places = stop.map((end) => text.indexOf(end)).filter((place) => place >= 0);
  return places.length === 0 ? -1 : Math.min(...places);
}

/** The options of a stepped rollout that ends rows at stop texts. */
function stepped(
  options: Omit<CompletionOptions, "strength">,
  tokenizer: ChatTokenizer,
  stepsAtOnce: number,
): SteppedOptions {
  const { stop = [], ...sampling } = options;
  const empty = stop.find((end) => typeof end !== "string" || end === "");
  if (empty !== undefined) throw new RangeError("Cannot complete as every stop text must have a letter");
  const tail = TOKENS_PER_LETTER * Math.max(0, ...stop.map(({ length }) => length));
  const ends = ({ tokens }: Unfinished) =>
    stop.length > 0 && stopPlace(tokenizer.decode(tokens.slice(-tail)), stop) >= 0;
  return { ...sampling, stepsAtOnce, ends };
}

/** What tokens say before a stop token or text. */
function textOf(tokens: readonly number[], { tokenizer, stop, stopTokens }: {
  readonly tokenizer: ChatTokenizer;
  readonly stop: readonly string[];
  readonly stopTokens: readonly number[];
}): string {
  const said = stopTokens.includes(tokens.at(-1) as number) ? tokens.slice(0, -1) : tokens;
  const text = tokenizer.decode(said), end = stopPlace(text, stop);
  return end < 0 ? text : text.slice(0, end);
}

/** An engine of a graph of steps, lent for one run at a time: other calls may come between. */
function lending(
  graphs: ModelGraphs,
  requests: readonly RolloutRequest[],
  { stepsAtOnce: _, ends: __, ...sampling }: SteppedOptions,
) {
  return <T>(run: (engine: RolloutEngine, rowsAtOnce: number) => Promise<T>): Promise<T> =>
    graphs.inTurn(async () => {
      const { engine, rowsAtOnce } = await rolloutEngine(graphs, requests, { ...sampling, steps: true });
      return await run(engine, rowsAtOnce);
    });
}

/** Completes prompts, see {@link LanguageModel.complete}. */
export async function completeTexts(
  { graphs, tokenizer }: Completing,
  prompts: readonly CompletionPrompt[],
  options: CompletionOptions,
): Promise<readonly TextCompletion[]> {
  const { strength, ...rest } = options,
    { stop = [], ...sampling } = rest,
    stopTokens = graphs.config.eosTokenIds;
  const requests = requestsOf(prompts, tokenizer, strength), told = { tokenizer, stop, stopTokens };
  if (stop.length === 0) {
    const rollouts = await graphs.inTurn(async () => {
      const { engine, rowsAtOnce } = await rolloutEngine(graphs, requests, sampling);
      return await sampleRollouts(engine, requests, { ...sampling, batchSize: rowsAtOnce });
    });
    return rollouts.map(({ tokens, logProbs, finished }) => ({
      text: textOf(tokens, told),
      tokens,
      logProbs,
      finishReason: finished ? "stop" : "length",
    }));
  }
  const way = stepped(rest, tokenizer, STEPS), using = lending(graphs, requests, way);
  const size = await using((_, rowsAtOnce) => Promise.resolve(rowsAtOnce)), results: TextCompletion[] = [];
  for (let start = 0, rows = numbered(requests); start < rows.length; start += size) {
    for await (const done of steppedRollouts(using, rows.slice(start, start + size), way)) {
      if (done.some(({ ended }) => ended === null)) continue;
      results.push(...done.map(({ tokens, logProbs, ended }) => ({
        text: textOf(tokens, told),
        tokens,
        logProbs,
        finishReason: ended as FinishReason,
      })));
      options.onProgress?.(results.length, rows.length);
    }
  }
  return results;
}

/** Completes one prompt token by token, see {@link LanguageModel.stream}. */
export async function* streamText(
  { graphs, tokenizer }: Completing,
  prompt: CompletionPrompt,
  options: Omit<CompletionOptions, "strength"> & { readonly strength?: number },
): AsyncGenerator<StreamedToken> {
  const { strength, ...rest } = options, { stop = [] } = rest, stopTokens = graphs.config.eosTokenIds;
  const requests = requestsOf([prompt], tokenizer, strength === undefined ? undefined : [strength]);
  const way = stepped(rest, tokenizer, 1), using = lending(graphs, requests, way);
  const longest = Math.max(0, ...stop.map(({ length }) => length));
  let shown = "";
  for await (const [row] of steppedRollouts(using, numbered(requests), way)) {
    if (row === undefined) return;
    const { tokens, logProbs, ended } = row, whole = textOf(tokens, { tokenizer, stop, stopTokens });
    const held = ended !== null ? 0 : heldBack(whole, stop, longest);
    const ready = whole.slice(0, whole.length - held);
    const text = ready.startsWith(shown) ? ready.slice(shown.length) : "";
    shown += text;
    yield { token: tokens.at(-1) as number, logProb: logProbs.at(-1) as number, text, finishReason: ended };
  }
}

/** Letters at the end of a text that cannot be shown yet: half a letter, or what may begin a stop text. */
function heldBack(text: string, stop: readonly string[], longest: number): number {
  const broken = text.length - text.replace(/\uFFFD+$/, "").length;
  for (let length = Math.min(longest - 1, text.length); length > broken; length--) {
    const end = text.slice(text.length - length);
    if (stop.some((word) => word.startsWith(end))) return length;
  }
  return broken;
}
