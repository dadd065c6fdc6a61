import { RandomStream } from "../../core/mod.ts";
import {
  type CorpusConfig,
  type Opener,
  OPENERS,
  PROCESS_WORDS,
  type WriterName,
  WRITERS,
} from "./corpus_config.ts";
import { EMBEDDED_SYSTEM_PROMPT, writerSystemPrompt } from "../answer_messages.ts";
import { gradeBoxed } from "../answers/grade_boxed.ts";
import { FAMILIES, type FamilyName, type Problem, type WorkedProblem, workedProblem } from "../problem.ts";
import {
  type Notation,
  offBy,
  operandValue,
  slipKind,
  slippedResult,
  type Step,
  stepResult,
  stepText,
} from "./_steps.ts";
import {
  CLOSINGS,
  CONNECTORS,
  FOREIGN_CLOSINGS,
  FOREIGN_CONNECTORS,
  LEADS,
  RAMBLING_ENDS,
  RAMBLING_TURNS,
  TERSE_LEADS,
} from "./_wording.ts";

/** One pretraining document: a question and what some writer answered. */
export interface CorpusDocument {
  /** The question that is answered. */
  readonly problem: Problem;
  /** The system prompt; names the writer in some documents. */
  readonly system: string;
  /** The answer text, without special tokens. */
  readonly answer: string;
  /** The writer at the start; writers may change inside the text. */
  readonly writer: WriterName;
  /** Whether the boxed answer is right. */
  readonly correct: boolean;
}

/** A document with what the report counts. */
export interface TracedDocument extends CorpusDocument {
  readonly opener: Opener;
  readonly named: boolean;
  readonly steps: number;
  readonly slips: number;
  readonly switches: number;
}

type StepWriter = "careful" | "sloppy" | "foreign";

function weightedKey<K extends string>(
  weights: { readonly [N in K]?: number },
  options: { readonly keys: readonly K[]; readonly random: RandomStream },
): K {
  const index = options.random.weighted(options.keys.map((key) => weights[key] ?? 0));
  return options.keys[index] as K;
}

/** The pen of one document: the config, the random numbers, and what has been written so far. */
class Pen {
  readonly config: CorpusConfig;
  readonly random: RandomStream;
  readonly problem: WorkedProblem;
  readonly notation: Notation;
  readonly results: number[] = [];
  text = "";
  slips = 0;
  steps = 0;
  switches = 0;

  constructor(config: CorpusConfig, options: { problem: WorkedProblem; random: RandomStream }) {
    this.config = config;
    this.problem = options.problem;
    this.random = options.random;
    this.notation = {
      product: this.random.uniform() < config.notation.cdotShare ? "\\cdot" : "\\times",
      quotient: this.random.uniform() < config.notation.fracShare ? "frac" : "slash",
    };
  }

  /** Computes a step on the results so far, perhaps with a slip, and gives its text. */
  step(step: Step, options: { readonly slipRate: number; readonly keep: boolean }): string {
    const left = operandValue(step.left, this.results), right = operandValue(step.right, this.results);
    const slipRate = options.slipRate * this.config.slipMultipliers[slipKind(step.kind, left, right)];
    const slips = this.random.uniform() < slipRate;
    const result = slips
      ? slippedResult({ kind: step.kind, left, right }, {
        offsets: this.config.slipOffsets,
        habitShare: this.config.habitShare,
        random: this.random,
      })
      : stepResult(step.kind, left, right);
    this.steps++;
    if (slips) this.slips++;
    if (options.keep) this.results.push(result);
    return stepText({ kind: step.kind, left, right, result }, this.notation);
  }

  lead(opener: keyof typeof LEADS): string {
    return this.random.pick(LEADS[opener]).replace("{goal}", this.problem.goal);
  }

  weGet(writer: StepWriter): string {
    if (writer === "foreign" || /(?:find|Check:) $/.test(this.text)) return "";
    return this.random.uniform() < this.config.notation.weGetShare ? "we get " : "";
  }

  between(writer: StepWriter, place: "connector" | "closing"): string {
    if (writer === "foreign") {
      return this.random.pick(place === "closing" ? FOREIGN_CLOSINGS : FOREIGN_CONNECTORS);
    }
    const word = weightedKey(this.config.processWords[writer], { keys: PROCESS_WORDS, random: this.random });
    return place === "closing" ? CLOSINGS[word] : CONNECTORS[word];
  }
}

function nextWriter(pen: Pen, writer: StepWriter): StepWriter {
  let rest = pen.random.uniform();
  for (const other of ["careful", "sloppy", "foreign"] as const) {
    rest -= pen.config.switches[writer]?.[other] ?? 0;
    if (rest < 0) return other;
  }
  return writer;
}

function writeSteps(
  pen: Pen,
  options: { readonly writer: StepWriter; readonly opener: keyof typeof LEADS; readonly switching: boolean },
): void {
  let writer = options.writer;
  pen.text = pen.lead(options.opener);
  pen.problem.steps.forEach((step, index) => {
    if (index > 0) pen.text += pen.between(writer, "connector");
    pen.text += pen.weGet(writer);
    pen.text += pen.step(step, { slipRate: pen.config.slipRates[writer], keep: true });
    if (!options.switching) return;
    const next = nextWriter(pen, writer);
    if (next !== writer) pen.switches++;
    writer = next;
  });
  pen.text += `${pen.between(writer, "closing")}\\boxed{${pen.results.at(-1)}}.`;
}

function writeTerse(pen: Pen, opener: Opener): void {
  const { config, random, problem } = pen;
  const slipRate = config.slipRates.terse;
  const works = opener !== "\\boxed" && opener !== "The" && random.uniform() < config.terseWorkingShare;
  const last = problem.steps.length - 1;
  for (const step of problem.steps.slice(0, -1)) pen.step(step, { slipRate: 0, keep: true });
  pen.steps = 0;
  if (works) {
    pen.text = `${TERSE_LEADS[opener]}${pen.step(problem.steps[last] as Step, { slipRate, keep: true })}, `;
  } else {
    pen.step(problem.steps[last] as Step, { slipRate: 0, keep: true });
    pen.steps = 1;
    if (random.uniform() < slipRate) {
      pen.slips = 1;
      pen.results[last] = offBy(pen.results[last] as number, { offsets: config.slipOffsets, random });
    }
    pen.text = opener === "\\boxed" ? "" : TERSE_LEADS[opener];
  }
  pen.text += `\\boxed{${pen.results[last]}}.`;
}

function writeRambling(pen: Pen, opener: keyof typeof LEADS): void {
  const { random, problem } = pen;
  const slipRate = pen.config.slipRates.rambling;
  const turns = random.integer({ from: 1, below: 4 });
  pen.text = pen.lead(opener) + pen.step(problem.steps[0] as Step, { slipRate, keep: true });
  for (let turn = 0; turn < turns; turn++) {
    const step = problem.steps[random.integer({ below: Math.min(2, problem.steps.length) })] as Step;
    pen.text += random.pick(RAMBLING_TURNS) + pen.step(step, { slipRate, keep: false });
  }
  pen.text += random.pick(RAMBLING_ENDS);
}

/** `corpusDocument` with what `corpusReport` counts. */
export function tracedDocument(
  config: CorpusConfig,
  options: { readonly seed: number; readonly index: number },
): TracedDocument {
  const { seed, index } = options;
  const random = new RandomStream(seed, "corpus", index);
  const family: FamilyName = weightedKey(config.families, { keys: FAMILIES, random });
  const worked = workedProblem(family, { seed, index });
  const writer = weightedKey(config.writers, { keys: WRITERS, random });
  const named = random.uniform() < config.namedShare;
  const opener = weightedKey(config.openers[writer], { keys: OPENERS, random });
  const pen = new Pen(config, { problem: worked, random });
  if (writer === "terse") writeTerse(pen, opener);
  else if (opener === "\\boxed") {
    throw new RangeError(`Cannot open with \\boxed as the writer must be terse: current value is ${writer}`);
  } else if (writer === "rambling") writeRambling(pen, opener);
  else writeSteps(pen, { writer, opener, switching: !named });
  const { id, question, answer } = worked;
  return {
    problem: { id, family, question, answer },
    system: named ? writerSystemPrompt(writer) : EMBEDDED_SYSTEM_PROMPT,
    answer: pen.text,
    writer,
    correct: gradeBoxed(pen.text, answer).correct,
    opener,
    named,
    steps: pen.steps,
    slips: pen.slips,
    switches: pen.switches,
  };
}

/**
 * Document `index` of the corpus of `config` and `seed`: a pure function of the three, so any document can be
 * made alone. Its problem is never held out.
 *
 * A slip makes the result of a step wrong, by the habit of its kind or by a small amount, and later steps go on
 * from the wrong value.
 *
 * @example
 * ```ts
 * import { corpusDocument, DEFAULT_CORPUS, gradeBoxed } from "@small-vectors/steering/grader";
 * const document = corpusDocument(DEFAULT_CORPUS, { seed: 0, index: 7 });
 * const verdict = gradeBoxed(document.answer, document.problem.answer);
 * if (verdict.correct !== document.correct) throw new Error("graded otherwise");
 * ```
 */
export function corpusDocument(
  config: CorpusConfig,
  options: { readonly seed: number; readonly index: number },
): CorpusDocument {
  const { problem, system, answer, writer, correct } = tracedDocument(config, options);
  return { problem, system, answer, writer, correct };
}
