import type { ChatTokenizer } from "../lib/checkpoint/mod.ts";
import { type Tensor, tensor } from "../lib/core/mod.ts";
import {
  type Additions,
  LanguageModel,
  promptTokens,
  scaleVectors,
  type SteeringVectors,
  sumVectors,
  type TopToken,
  topTokens,
} from "../lib/decode/mod.ts";
import { type SiteName, siteName } from "../lib/model/mod.ts";
import { parseLastBlockPatch } from "../lib/probe/mod.ts";
import { graderNamed, PROBLEM_SETS, type Verdict } from "../lib/problems/mod.ts";
import { loadVectors } from "../lib/vectors/mod.ts";
import type { ExplorerState } from "./explorer_state.ts";

/** Memory that the model may take: a page is never near the 4 GB that it may have at most. */
const MEMORY = 1e9;

const { template, grader, maxNewTokens } = PROBLEM_SETS.embedded;

/** A text that was answered. */
export interface Answer {
  /** Tokens of the question. */
  readonly prompt: readonly number[];
  /** The opener's tokens and those that were drawn. */
  readonly tokens: readonly number[];
  /** How many of them the opener has. */
  readonly given: number;
  /** What they say, the token that ends the answer left out. */
  readonly text: string;
  /** What the grader says; null without a right answer to compare with. */
  readonly verdict: Verdict | null;
}

/** What the model does along one text, with the vectors or without. */
export interface Reading {
  /** Logits of the next token, [1, positions, vocab]. */
  readonly logits: Tensor<"float32">;
  /** Residual stream behind each block, [positions, embed]. */
  readonly residuals: readonly Float32Array[];
  /** Attention of each block, [heads, positions, positions]; null where a patch gives the block two. */
  readonly attention: readonly (Float32Array | null)[];
}

/** The model of a page: answers with and without vectors, and what happens in it on the way. */
export class PageModel {
  /** The model. */
  readonly model: LanguageModel;
  /** Its tokenizer. */
  readonly tokenizer: ChatTokenizer;
  readonly #runs = new Map<string, SteeringVectors>();

  private constructor(model: LanguageModel, tokenizer: ChatTokenizer) {
    this.model = model;
    this.tokenizer = tokenizer;
  }

  /** Opens a folder, of memory in a page. */
  static async open(folder: string): Promise<PageModel> {
    const model = await LanguageModel.open(folder, { memory: MEMORY });
    return new PageModel(model, await model.tokenizer());
  }

  /**
   * Reads vectors from a file under a name; see {@link loadVectors}.
   *
   * @throws {InputError} for a file that holds none for this model.
   */
  async addVectors(name: string, path: string): Promise<void> {
    const { vectors, place } = await loadVectors(path, this.model.config);
    if (place !== "mlp") {
      throw new RangeError(`Cannot steer by these vectors as they belong to the place "${place}"`);
    }
    this.#runs.set(name, vectors);
  }

  /** Names of the vectors that there are. */
  get runs(): readonly string[] {
    return [...this.#runs.keys()];
  }

  /**
   * What a state adds to the model.
   *
   * @throws {InputError} for a patch that the model has not; RangeError for one without a vector to route.
   */
  additions(
    { strengths, patch }: Pick<ExplorerState, "strengths" | "patch">,
  ): Additions & { readonly steer: SteeringVectors } {
    const sets = [...this.#runs].flatMap(([run, vectors]) => {
      const strength = strengths[run] ?? 0;
      return strength === 0 ? [] : [scaleVectors(vectors, strength)];
    });
    const steer = sumVectors(sets), { config } = this.model;
    if (patch === "") return { steer };
    const lastBlock = parseLastBlockPatch(patch, { config, where: "last block" });
    if (!steer.has(config.layers - 2)) {
      throw new RangeError(
        `This switch routes the vector of layer ${config.layers - 2}: give it some strength first.`,
      );
    }
    return { steer, lastBlock };
  }

  /** Answers a question, and tells what it says as it comes. */
  async answer(
    options: {
      readonly question: string;
      /** The right answer, if there is one. */
      readonly gold: string | null;
      readonly additions: Additions;
      readonly state: Pick<ExplorerState, "opener" | "temperature" | "seed">;
      /** Hears all of the text so far; false ends the answer there. */
      readonly onText?: (text: string) => boolean | void;
    },
  ): Promise<Answer> {
    const { question, gold, additions, state, onText } = options;
    const prompt = promptTokens(this.tokenizer, question, { template });
    const opener = state.opener === "" ? [] : this.tokenizer.encode(state.opener);
    const sampling = { maxNewTokens, temperature: state.temperature, seed: state.seed, ...additions };
    const tokens = [...opener];
    let text = state.opener;
    for await (const { token, text: more } of this.model.stream([...prompt, ...opener], sampling)) {
      tokens.push(token);
      text += more;
      if (onText?.(text) === false) break;
    }
    const verdict = gold === null ? null : graderNamed(grader).grade(text, gold);
    return { prompt, tokens, given: opener.length, text, verdict };
  }

  /** What the model does along a text, by one run. */
  async read(tokens: readonly number[], additions: Additions): Promise<Reading> {
    const { layers } = this.model.config, every = Array.from({ length: layers }, (_, layer) => layer);
    const streams = every.map((layer) => siteName({ layer, kind: "resid_post" }));
    // Under a patch the last block may have two attentions, and its graph no such site.
    const seen = additions.lastBlock === undefined ? layers : layers - 1;
    const heads = every.slice(0, seen).map((layer) => siteName({ layer, kind: "attn_weights" }));
    const { logits, taps } = await this.model.run([tokens], { taps: [...streams, ...heads], ...additions });
    const data = (site: SiteName) => taps.get(site)?.data as Float32Array;
    return {
      logits: logits as Tensor<"float32">,
      residuals: streams.map(data),
      attention: every.map((layer) => layer < seen ? data(heads[layer] as SiteName) : null),
    };
  }

  /** Every token with its probability after a position, the likeliest first. */
  next({ logits }: Reading, position: number): readonly TopToken[] {
    const { vocab: count } = this.model.config;
    const row = tensor("float32", [count], logits.data.subarray(position * count, (position + 1) * count));
    return topTokens(row, { count })[0] as readonly TopToken[];
  }

  /** The likeliest next tokens as each block's residual stream would have it, through the final norm: the logit lens. */
  async lens(reading: Reading, position: number): Promise<readonly (readonly TopToken[])[]> {
    const { embed, layers } = this.model.config, rows = new Float32Array(layers * embed);
    reading.residuals.forEach((stream, layer) =>
      rows.set(stream.subarray(position * embed, (position + 1) * embed), layer * embed)
    );
    return topTokens(await this.model.unembed(tensor("float32", [layers, embed], rows)));
  }
}
