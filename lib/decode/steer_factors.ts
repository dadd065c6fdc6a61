import { type Tensor, tensor } from "../core/mod.ts";
import { infiniteValue } from "./steering_vectors.ts";

/**
 * How much of what steers acts where, as factors on vectors and on operators' steps. What is left out is 0; without any
 * of it everything acts everywhere. The first generated token is predicted at the prompt's last one, so that
 * `{ lastPromptToken: 1, generated: 1 }` steers a whole answer and nothing before it.
 */
export interface SteerAt {
  /** At the tokens of the prompt. `@default 0` */
  readonly prompt?: number | undefined;
  /** At the last of them. `@default` that of `prompt` */
  readonly lastPromptToken?: number | undefined;
  /** At the tokens that are generated, or of a row that is read at those behind its prompt. `@default 0` */
  readonly generated?: number | undefined;
}

/** Where a row's prompt ends, and how strongly the row is steered. */
export interface SteeredRow {
  /** Tokens of its prompt. */
  readonly promptLength: number;
  /** Factor on all that steers. `@default 1` */
  readonly strength?: number | undefined;
}

/**
 * Factors of rows, [rows, positions].
 *
 * @throws {RangeError} for factors that are not finite.
 */
export function steerFactors(
  rows: readonly SteeredRow[],
  options: {
    readonly steerAt: SteerAt | undefined;
    readonly seq: number;
    /** How many positions have factors. `@default seq` */
    readonly positions?: number;
    /** Position of each token where that is not its place, int64 [rows, positions]. `@default` its place */
    readonly places?: Tensor<"int64"> | undefined;
  },
): Tensor<"float32"> {
  const { steerAt, seq, positions = seq, places } = options;
  const { prompt = 0, lastPromptToken = prompt, generated = 0 } = steerAt ??
    { prompt: 1, generated: 1 };
  const infinite = infiniteValue([
    prompt,
    lastPromptToken,
    generated,
    ...rows.map((row) => row.strength ?? 1),
  ]);
  if (infinite !== null) throw new RangeError(`Cannot steer by factors as they must be finite: ${infinite}`);
  const data = rows.flatMap(({ promptLength, strength = 1 }, row) =>
    Array.from(
      { length: positions },
      (_, place) => places === undefined ? place : Number(places.data[row * positions + place]),
    ).map((position) =>
      strength *
      (position >= promptLength ? generated : position === promptLength - 1 ? lastPromptToken : prompt)
    )
  );
  return tensor("float32", [rows.length, positions], data);
}
