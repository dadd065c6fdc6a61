import { readAnswer } from "../../lib/problems/answers/_read_answer.ts";
import { compareForms } from "../../lib/problems/answers/_compare_forms.ts";
import { judgeAnswer, type JudgeRules, WORK_LIMIT } from "../../lib/problems/answers/_judge_answer.ts";
import { type AnswerReason, GRADER_VERSIONS, type GraderName, graderNamed } from "../../lib/problems/mod.ts";
import { markdownTable, withBlock } from "./_document_tables.ts";
import { mutatedAnswer } from "./_mutated_answers.ts";

/** The rules that one trains on. */
export const STRICT: JudgeRules = { decimals: "six digits", isLenient: false };

/** The rules of the math-verify mode. */
export const LENIENT: JudgeRules = { decimals: "six places", isLenient: true };

const GRADERS = (Object.keys(GRADER_VERSIONS) as GraderName[]).flatMap((name) => [
  graderNamed(name),
  graderNamed(name, { mode: "answer", roundings: true }),
]);

/** What a fuzz run found. */
export interface GraderFuzz {
  /** Mutated strings that were judged. */
  readonly tried: number;
  /** Strings for which something was thrown. */
  readonly thrown: string[];
  /** Strings that a judgement gave up at its bound on work. */
  readonly overBound: string[];
  /** Strings that are read and then found to be different from themselves, or from themselves plus zeros. */
  readonly notThemselves: string[];
  /** Strings that were read as mathematics or words. */
  read: number;
  /** Strings that were compared with themselves plus zeros. */
  rewritten: number;
  /** Strings longer or deeper than what is read. */
  tooLong: number;
  /** Most work of one judgement. */
  mostWork: number;
  /** Longest judgement by the clock, in milliseconds, with its string. */
  slowest: { ms: number; text: string };
  /** How often each reason was given. */
  readonly reasons: Map<AnswerReason, number>;
}

/**
 * Judges mutated strings: each as the prediction for another by both sets of rules, by meaning alone against itself, and
 * as a whole completion by every grader. Every count is a function of (from, count) but the time.
 */
export function fuzzGrader(options: {
  readonly from?: number;
  readonly count: number;
  readonly onProgress?: (tried: number) => void;
}): GraderFuzz {
  const { from = 0, count, onProgress } = options;
  const found: GraderFuzz = {
    tried: count,
    thrown: [],
    overBound: [],
    notThemselves: [],
    read: 0,
    rewritten: 0,
    tooLong: 0,
    mostWork: 0,
    slowest: { ms: 0, text: "" },
    reasons: new Map(),
  };
  for (let index = from; index < from + count; index++) {
    const text = mutatedAnswer(index), other = mutatedAnswer(index + 10_000_000);
    const start = performance.now();
    try {
      fuzzOne(found, text, other);
    } catch (fault) {
      found.thrown.push(`${JSON.stringify(text)}: ${fault}`);
    }
    const ms = performance.now() - start;
    if (ms > found.slowest.ms) found.slowest = { ms, text };
    if ((index - from + 1) % 1000 === 0) onProgress?.(index - from + 1);
  }
  return found;
}

function fuzzOne(found: GraderFuzz, text: string, other: string): void {
  const comparison = () => ({
    work: { left: WORK_LIMIT },
    decimals: "six digits" as const,
    tuplesAreSets: false,
  });
  const judged = judgeAnswer(other, text, STRICT), budget = comparison();
  const { form } = readAnswer(text);
  const itself = form === null ? "unknown" : compareForms(form, form, budget);
  const wholes = [
    text,
    `\\boxed{${text}} <answer>${text}</answer>`,
    `The final answer is $${text}$. 12 and ${text}`,
  ];
  for (const whole of wholes) GRADERS.forEach(({ grade }) => grade(whole, other));
  if (form !== null) found.read++;
  const digit = judgeAnswer(text, text.replace(/\d/, (old) => String((Number(old) + 1) % 10)), LENIENT);
  const padded = text.replace(/(?<=[\d)}!])\+/g, "+0+"), zeros = readAnswer(padded).form;
  if (form !== null && zeros !== null && padded !== text && !/\\text|\\mbox|_/.test(text)) {
    found.rewritten++;
    const outcome = compareForms(form, zeros, comparison());
    if (outcome !== "same" && outcome !== "unknown") found.notThemselves.push(text);
  }
  if (itself !== "same" && itself !== "unknown") found.notThemselves.push(text);
  const work = Math.max(judged.work, digit.work, WORK_LIMIT - Math.max(budget.work.left, 0));
  found.mostWork = Math.max(found.mostWork, work);
  if (work >= WORK_LIMIT) found.overBound.push(text);
  if (judged.reason === "too long") found.tooLong++;
  found.reasons.set(judged.reason, (found.reasons.get(judged.reason) ?? 0) + 1);
}

/** The counts as a table; the time is not among them, since it is another on every machine. */
export function fuzzTable(found: GraderFuzz): string[] {
  const { tried, thrown, overBound, notThemselves, mostWork, reasons } = found;
  return markdownTable([
    ["mutated strings", `${tried}`],
    ["thrown", `${thrown.length}`],
    ["judgements over the bound on steps", `${overBound.length}`],
    ["most steps of one judgement", `${mostWork} of ${WORK_LIMIT}`],
    ["read as an answer", `${found.read}`],
    ["compared with themselves plus zeros", `${found.rewritten}`],
    ["read, and different from themselves", `${notThemselves.length}`],
    ...[...reasons].sort(([, a], [, b]) => b - a).map((
      [reason, times],
    ) => [`verdict: ${reason}`, `${times}`]),
  ]);
}

/**
 * `deno run … tests/problems/_grader_fuzz.ts 100000` prints the counts, with `--write` also into docs/grading.md, and
 * ends with 1 unless all that may not be are zero.
 */
if (import.meta.main) {
  const count = Number(Deno.args[0] ?? 100_000);
  const found = fuzzGrader({
    count,
    onProgress: (tried) => {
      if (tried % 10_000 === 0) console.error(`${tried} of ${count}`);
    },
  });
  console.log(fuzzTable(found).join("\n"));
  console.log(
    `longest ${found.slowest.ms.toFixed(1)} ms: ${JSON.stringify(found.slowest.text.slice(0, 200))}`,
  );
  for (const line of [...found.thrown, ...found.overBound, ...found.notThemselves].slice(0, 20)) {
    console.log(line);
  }
  if (Deno.args.includes("--write")) {
    const path = decodeURIComponent(new URL("../../docs/grading.md", import.meta.url).pathname);
    await Deno.writeTextFile(path, withBlock(await Deno.readTextFile(path), "fuzz", fuzzTable(found)));
  }
  Deno.exit(found.thrown.length + found.overBound.length + found.notThemselves.length === 0 ? 0 : 1);
}
