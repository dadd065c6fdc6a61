/**
 * table6: what models are evaluated on, the paper's suite and ours, and how far graders can be trusted. The number is
 * our assignment.
 *
 * @module
 */
import { type Bench, type Findings, type Reproduction, setsText } from "../lib/experiment/mod.ts";
import {
  BENCHMARK_SUITES,
  GRADER_CASES,
  graderNamed,
  type PromptTemplate,
  questionPrompt,
} from "../lib/problems/mod.ts";
import { figureSpec, type MetricValue, type TableRow, textTable } from "../lib/report/mod.ts";
import { settingCells } from "./_paper_cells.ts";

const SUITES = Object.values(BENCHMARK_SUITES);

/** Share of cases that a grader judges as is known, as a metric. */
function agreement(
  name: string,
  options: {
    readonly cases: typeof GRADER_CASES;
    readonly judge: (completion: string, gold: string) => boolean;
  },
): MetricValue {
  const { cases, judge } = options;
  const agreed = cases.filter(({ completion, gold, correct }) => judge(completion, gold) === correct).length;
  return {
    name,
    value: agreed / cases.length,
    unit: "share",
    note: `${agreed} of ${cases.length} known cases.`,
  };
}

/** The graders of mathematics, side by side. */
const GRADERS = [graderNamed("box"), graderNamed("math-verify")] as const;

/** Known cases that the two graders judge differently. */
function differences(): readonly (typeof GRADER_CASES[number])[] {
  const [strict, lenient] = GRADERS;
  return GRADER_CASES.filter(({ completion, gold }) =>
    strict.grade(completion, gold).correct !== lenient.grade(completion, gold).correct
  );
}

/** The system message that a template puts before a question. */
function systemMessage(template: PromptTemplate): string {
  const prompt = questionPrompt("", { template, chat: true, bos: "" });
  const [first] = prompt?.kind === "conversation" ? prompt.messages : [];
  return first?.role === "system" ? first.content : "";
}

async function run({ lab, open, paper }: Bench): Promise<Findings> {
  const a = await open("a"), { size, asked } = lab;
  const problemsOf = asked.sets.map(({ first }) => first(size.problems).length);
  const completions = SUITES.reduce((sum, suite) => sum + suite.size * suite.samplesPerProblem, 0);
  const values: MetricValue[] = [
    ...SUITES.flatMap(({ name, size, samplesPerProblem }): readonly MetricValue[] => [
      { name: `suite.${name}.problems`, value: size, unit: "problems" },
      { name: `suite.${name}.samples`, value: samplesPerProblem, unit: "samples" },
    ]),
    { name: "suite.problems", value: SUITES.reduce((sum, suite) => sum + suite.size, 0), unit: "problems" },
    { name: "suite.completions_per_seed", value: completions, unit: "completions" },
    ...asked.sets.flatMap(({ name, samples }, place): readonly MetricValue[] => [
      { name: `family.${name}.problems`, value: problemsOf[place] as number, unit: "problems" },
      { name: `family.${name}.samples`, value: samples, unit: "samples" },
    ]),
    { name: "family.problems", value: problemsOf.reduce((sum, count) => sum + count, 0), unit: "problems" },
    { name: "evaluation_seeds", value: size.evaluationSeeds, unit: "seeds" },
    { name: "max_new_tokens", value: size.maxNewTokens, unit: "tokens" },
    { name: "max_positions", value: a.model.config.maxPositions, unit: "tokens" },
    agreement("grader.boxed.agreement", {
      cases: GRADER_CASES.filter(({ plain }) => plain),
      judge: (completion, gold) => graderNamed("box-number").grade(completion, gold).correct,
    }),
    agreement("grader.math.agreement", {
      cases: GRADER_CASES,
      judge: (completion, gold) => GRADERS[0].grade(completion, gold).correct,
    }),
    agreement("grader.math_verify.agreement", {
      cases: GRADER_CASES,
      judge: (completion, gold) => GRADERS[1].grade(completion, gold).correct,
    }),
    {
      name: "graders.differ",
      value: differences().length,
      unit: "cases",
      note: `Of ${GRADER_CASES.length} completions.`,
    },
  ];
  const ours = settingCells(values),
    theirs = settingCells(paper?.values),
    right = { align: "right" } as const;
  const sets = textTable({
    title: "a  Problem sets",
    columns: [
      { title: "Set" },
      { title: "Source" },
      { title: "Problems", ...right },
      { title: "Problems, paper", ...right, mostWidth: 80 },
      { title: "Samples per problem", ...right, mostWidth: 90 },
      { title: "Samples, paper", ...right, mostWidth: 80 },
    ],
    rows: [
      { kind: "heading", cells: ["The paper's benchmarks"] },
      ...SUITES.map(({ name, hubIds, split }): TableRow => ({
        cells: [
          name,
          `${hubIds.join(", ")} (${split})`,
          ours(`suite.${name}.problems`),
          theirs(`suite.${name}.problems`),
          ours(`suite.${name}.samples`),
          theirs(`suite.${name}.samples`),
        ],
      })),
      { kind: "heading", cells: ["What is asked here"] },
      ...asked.sets.map(({ name, source }): TableRow => ({
        cells: [
          name,
          source,
          ours(`family.${name}.problems`),
          null,
          ours(`family.${name}.samples`),
          null,
        ],
      })),
    ],
  });
  const setting = (title: string, name: string): TableRow => ({ cells: [title, ours(name), theirs(name)] });
  const share = (title: string, name: string): TableRow => {
    const { value, note } = values.find((metric) => metric.name === name) as MetricValue;
    return { cells: [title, `${((value ?? 0) * 100).toFixed(1)} %\n${note ?? ""}`, null] };
  };
  const settings = textTable({
    title: "b  Settings",
    columns: [
      { title: "Setting", mostWidth: 190 },
      { title: "Here", mostWidth: 210 },
      { title: "Paper", mostWidth: 210 },
    ],
    rows: [
      setting("Evaluation seeds at τ = 1", "evaluation_seeds"),
      setting("Most tokens of a completion", "max_new_tokens"),
      setting("Most tokens of prompt and completion", "max_positions"),
      { cells: ["System message", systemMessage(asked.template), systemMessage("qwen_math")] },
      share("Known cases judged rightly, grader of the families", "grader.boxed.agreement"),
      share("Known cases judged rightly, grader of the benchmarks", "grader.math.agreement"),
      share("Known cases judged alike by the math-verify mode", "grader.math_verify.agreement"),
    ],
  });
  const word = (
    grader: typeof GRADERS[number],
    { completion, gold }: typeof GRADER_CASES[number],
  ): string => {
    const { correct, reason } = grader.grade(completion, gold);
    return `${correct ? "right" : "wrong"}: ${reason}`;
  };
  const apart = textTable({
    title: "c  Completions that the two graders judge differently",
    columns: [
      { title: "Completion", mostWidth: 190 },
      { title: "Gold", mostWidth: 90 },
      ...GRADERS.map(({ name, version }) => ({ title: `${name} ${version}`, mostWidth: 150 })),
    ],
    rows: differences().map((known): TableRow => ({
      cells: [known.completion, known.gold, ...GRADERS.map((grader) => word(grader, known))],
    })),
  });
  const spec = figureSpec([sets, settings, apart], {
    title: "What models are evaluated on (inferred number)",
    subtitle: [`Accuracies are unweighted means. The models here answer ${setsText(asked)}.`],
  });
  return { spec, values, claims: [] };
}

/** Table 6 (inferred number): problem sets, sizes, samples, templates, lengths, graders. */
export const table6: Reproduction = {
  id: "table6",
  slug: "evaluation-suite",
  title: "What models are evaluated on (inferred number)",
  itemClass: "inferred",
  differences: [
    "Models that cannot answer the six benchmarks are asked problems that are made here, one sample per problem and seed.",
    "Every prompt, sample and seed has random numbers of its own; the published evaluation gives all prompts the same.",
    "Graders are ours and are counted on known cases; the published one is math-verify with a clock, which the mode of its name follows.",
  ],
  run,
};
