import { z } from "zod";
import { canonicalJson, InputError, sha256 } from "../core/mod.ts";

const sampleSchema = z.object({
  suite: z.string(),
  problem: z.string(),
  question: z.string(),
  gold: z.string(),
  condition: z.string().nullable(),
  number: z.int(),
  seed: z.int(),
  sample: z.int(),
  promptHash: z.string(),
  text: z.string(),
  tokens: z.array(z.int()),
  finish: z.enum(["end", "length"]),
  answer: z.string().nullable(),
  correct: z.boolean(),
  reason: z.string().nullable(),
  grader: z.string().nullable(),
  version: z.string().nullable(),
});

/** What a grader says of a completion; graders that say more than whether it is right have the rest. */
export interface Judgement {
  /** Whether the completion's answer says what the gold answer says. */
  readonly correct: boolean;
  /** The answer that was judged; null where the completion gives none. */
  readonly extracted?: string | null;
  /** Why. */
  readonly reason?: string;
  /** Who judged. */
  readonly grader?: string;
  /** Which version of the grader. */
  readonly version?: string;
}

/** What a model said to one of several problems. */
export interface Completion {
  /** Place of the problem among those asked. */
  readonly problem: number;
  /** What its draws are made under, with the seed and the sample. */
  readonly number: number;
  /** Evaluation seed. */
  readonly seed: number;
  /** Which of the problem's completions it is. */
  readonly sample: number;
  /** The text that the model was asked with, the start of the answer not included. */
  readonly prompt: string;
  /** What it said, the start of the answer included. */
  readonly text: string;
  /** The tokens that it generated. */
  readonly tokens: readonly number[];
  /** Whether it ended at a token that ends answers; else the length limit cut it off. */
  readonly finished: boolean;
  /** What the grader says. */
  readonly judgement: Judgement;
}

/** One line of a file of samples: what a model said to a problem, and what a grader made of it. */
export interface SampleLine {
  /** The benchmark or problem family. */
  readonly suite: string;
  /** The problem's id. */
  readonly problem: string;
  /** What was asked, before any template. */
  readonly question: string;
  /** The right answer. */
  readonly gold: string;
  /** What was evaluated, where a file holds several conditions; else null. */
  readonly condition: string | null;
  /** The draws are made under the seed, this number and the sample. */
  readonly number: number;
  /** Evaluation seed. */
  readonly seed: number;
  /** Which of the problem's completions it is. */
  readonly sample: number;
  /** SHA-256 of the prompt's text. */
  readonly promptHash: string;
  /** What the model said, a given start included. */
  readonly text: string;
  /** The tokens that it generated. */
  readonly tokens: readonly number[];
  /** Whether it ended by itself, or the length limit cut it off. */
  readonly finish: "end" | "length";
  /** The answer that the grader found; null for none. */
  readonly answer: string | null;
  /** The verdict. */
  readonly correct: boolean;
  /** Its reason. */
  readonly reason: string | null;
  /** Who judged. */
  readonly grader: string | null;
  /** The grader's version. */
  readonly version: string | null;
}

/**
 * The line of a file of samples for a completion: JSON with its keys in order, so that equal runs write equal bytes.
 *
 * @example
 * ```ts
 * import { parseSampleLine, sampleLine } from "@small-vectors/steering";
 * const completion = {
 *   problem: 0, number: 0, seed: 1, sample: 0, prompt: "1 + 1?", text: "\\boxed{2}", tokens: [5, 7], finished: true,
 *   judgement: { correct: true, extracted: "2", reason: "equal" },
 * };
 * const problem = { suite: "sums", id: "sums/0", question: "1 + 1?", answer: "2" };
 * const line = parseSampleLine(sampleLine(completion, { problem }), { where: "a.jsonl", line: 1 });
 * if (line.answer !== "2" || line.finish !== "end") throw new Error("not what was written");
 * ```
 */
export function sampleLine(
  completion: Completion,
  options: {
    readonly problem: {
      readonly suite: string;
      readonly id: string;
      readonly question: string;
      readonly answer: string;
    };
    /** What was evaluated. `@default null` */
    readonly condition?: string;
  },
): string {
  const { number, seed, sample, prompt, text, tokens, finished, judgement } = completion;
  const { suite, id, question, answer: gold } = options.problem;
  const line: SampleLine = {
    suite,
    problem: id,
    question,
    gold,
    condition: options.condition ?? null,
    number,
    seed,
    sample,
    promptHash: sha256(prompt),
    text,
    tokens,
    finish: finished ? "end" : "length",
    answer: judgement.extracted ?? null,
    correct: judgement.correct,
    reason: judgement.reason ?? null,
    grader: judgement.grader ?? null,
    version: judgement.version ?? null,
  };
  return `${canonicalJson(line)}\n`;
}

/** A line of a file of samples, read back. Throws an `InputError` that names the line where it is none. */
export function parseSampleLine(
  text: string,
  options: { readonly where: string; readonly line: number },
): SampleLine {
  const { where, line } = options;
  const fault = (what: string, cause?: unknown) =>
    new InputError(`line ${line} is no sample, ${what}`, {
      where,
      repair: "pass a file that deno task evaluate --samples wrote",
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fault("it is not JSON", cause);
  }
  const result = sampleSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw fault(issue === undefined ? "" : `${issue.path.join(".") || "it"}: ${issue.message}`);
}
