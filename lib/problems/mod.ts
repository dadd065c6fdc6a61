/**
 * The embedded zoo's problems: six families with held-out test sets, the corpus of the five writers that base models
 * are pretrained on, the conversations that ask a question, and the strict grading of boxed answers. First arithmetic
 * in five families, for small models of real text. For real mathematics: the six benchmarks as named suites, a strict
 * grader that tells whether two answers say one thing, and one that looks and compares as math-verify does.
 *
 * @module
 */
export {
  answerMessages,
  type ChatMessage,
  EMBEDDED_SYSTEM_PROMPT,
  QWEN_MATH_SYSTEM_PROMPT,
  writerSystemPrompt,
} from "./answer_messages.ts";
export {
  BENCHMARK_SUITES,
  type BenchmarkProblem,
  type BenchmarkRow,
  type BenchmarkSet,
  benchmarkSet,
  type BenchmarkSuite,
  type SuiteName,
} from "./benchmark_suite.ts";
export {
  type CorpusConfig,
  DEFAULT_CORPUS,
  type Opener,
  OPENERS,
  parseCorpusConfig,
  PROCESS_WORDS,
  type ProcessWord,
  type WriterName,
  WRITERS,
} from "./families/corpus_config.ts";
export { type CorpusDocument, corpusDocument } from "./families/corpus_document.ts";
export { type CorpusGroup, type CorpusReport, corpusReport } from "./families/corpus_report.ts";
export {
  type AnswerMode,
  extractAnswer,
  type ExtractedAnswer,
  type ExtractionFault,
} from "./answers/extract_answer.ts";
export { findAnswer, lastNumber } from "./answers/find_answer.ts";
export { GRADER_CASES, type GraderCase } from "./answers/grader_cases.ts";
export { gradeBoxed } from "./answers/grade_boxed.ts";
export {
  type AnswerVerdict,
  compareAnswers,
  type Grader,
  graderNamed,
  type GraderOptions,
} from "./answers/grader.ts";
export {
  ARITHMETIC_FAMILIES,
  type ArithmeticFamily,
  FAMILIES,
  type FamilyName,
  type Problem,
  PROBLEM_FAMILIES,
  type ProblemFamily,
  testSet,
  trainProblem,
} from "./problem.ts";
export {
  familiesNamed,
  PROBLEM_SETS,
  type ProblemSet,
  type ProblemSetName,
  problemSetOf,
} from "./problem_set.ts";
export {
  answerModeOf,
  type Prompt,
  PROMPT_TEMPLATES,
  type PromptTemplate,
  questionPrompt,
} from "./prompt_template.ts";
export { type BenchmarkData, type ProblemData, readBenchmark, readProblems } from "./read_benchmark.ts";
export {
  type Completion,
  type Judgement,
  parseSampleLine,
  type SampleLine,
  sampleLine,
} from "./sample_line.ts";
export {
  type AnswerReason,
  GRADER_NAMES,
  GRADER_VERSIONS,
  type GraderName,
  type Verdict,
  type VerdictReason,
} from "./answers/verdict.ts";
export { SLIP_KINDS, type SlipKind } from "./families/_steps.ts";
