/**
 * How the graders' verdicts agree with math-verify's, on the pairs of fixtures/golden/grader_verdicts.json. As a program
 * it writes the tables of docs/grading.md and README.md:
 *
 *     deno run --allow-read --allow-write tests/problems/_grader_agreement.ts
 *
 * @module
 */
import { graderNamed } from "../../lib/problems/mod.ts";
import { markdownTable, withBlock } from "./_document_tables.ts";

/** A pair, what a person says of it (null where conventions differ), and what math-verify says. */
export interface JudgedPair {
  readonly kind: string;
  readonly gold: string;
  readonly completion: string;
  readonly truth: boolean | null;
  /** Whether the grader was never tuned on it. */
  readonly heldOut: boolean;
  readonly mathVerify: boolean;
  /** What the mode `math-verify` says here. */
  readonly ours: boolean;
}

/** What is counted of some pairs. */
export interface Agreement {
  readonly pairs: number;
  /** Pairs of which math-verify says nothing that a person denies. */
  readonly comparable: number;
  /** Of these, those judged as math-verify judges them. */
  readonly agreed: number;
  /** Pairs that math-verify judges plainly wrong. */
  readonly errors: number;
  /** Of these, those judged as a person does. */
  readonly corrected: number;
  /** Taken, though a person (where conventions differ: math-verify) says no. */
  readonly falseRewards: number;
}

const GOLDEN = new URL("../../fixtures/golden/grader_verdicts.json", import.meta.url);

type StoredPair = readonly [
  kind: string,
  gold: string,
  completion: string,
  truth: boolean | null,
  heldOut: boolean,
  verdict: boolean,
];

/** The stored pairs with their verdicts, and the version of math-verify that gave them. */
export async function judgedPairs(): Promise<
  { readonly version: string; readonly pairs: readonly JudgedPair[] }
> {
  const golden = JSON.parse(await Deno.readTextFile(GOLDEN)), { grade } = graderNamed("math-verify");
  const pairs = (golden.pairs as readonly StoredPair[]).map((
    [kind, gold, completion, truth, heldOut, mathVerify],
  ) => ({
    kind,
    gold,
    completion,
    truth,
    heldOut,
    mathVerify,
    ours: grade(completion, gold).correct,
  }));
  return { version: golden.versions["math-verify"], pairs };
}

/** Whether math-verify says of a pair what a person denies. */
export function isError({ truth, mathVerify }: JudgedPair): boolean {
  return truth !== null && truth !== mathVerify;
}

/** Counts of some pairs. */
export function agreementOf(pairs: readonly JudgedPair[]): Agreement {
  const errors = pairs.filter(isError), rest = pairs.filter((pair) => !isError(pair));
  return {
    pairs: pairs.length,
    comparable: rest.length,
    agreed: rest.filter(({ ours, mathVerify }) => ours === mathVerify).length,
    errors: errors.length,
    corrected: errors.filter(({ ours, truth }) => ours === truth).length,
    falseRewards: pairs.filter(({ ours, truth, mathVerify }) => ours && !(truth ?? mathVerify)).length,
  };
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "–" : `${(part / whole * 100).toFixed(1)} %`;
}

function agreementRow(name: string, pairs: readonly JudgedPair[]): string[] {
  const all = agreementOf(pairs), held = agreementOf(pairs.filter(({ heldOut }) => heldOut));
  return [
    name,
    `${all.pairs}`,
    percent(all.agreed, all.comparable),
    `${held.pairs}`,
    percent(held.agreed, held.comparable),
    `${all.corrected} of ${all.errors}`,
    `${all.falseRewards}`,
  ];
}

/** Agreement by kind, as a table. */
export function agreementTable(pairs: readonly JudgedPair[]): string[] {
  const kinds = [...new Set(pairs.map(({ kind }) => kind))];
  return markdownTable([
    [
      "kind",
      "pairs",
      "agreement",
      "held out",
      "agreement",
      "math-verify wrong, judged rightly",
      "false rewards",
    ],
    ...kinds.map((kind) => agreementRow(kind, pairs.filter((pair) => pair.kind === kind))),
    agreementRow("all", pairs),
  ]);
}

/** An example of what math-verify judges wrong in each kind, with its count. */
export function errorTable(pairs: readonly JudgedPair[]): string[] {
  const code = (text: string): string => `\`${text.replaceAll("\n", " ").replaceAll("|", "\\|")}\``;
  const kinds = [...new Set(pairs.filter(isError).map(({ kind }) => kind))];
  return markdownTable([
    ["kind", "refused", "taken", "for example, gold", "completion"],
    ...kinds.map((kind) => {
      const errors = pairs.filter((pair) => pair.kind === kind && isError(pair));
      const shown = errors.find(({ truth }) => truth === false) ?? errors[0] as JudgedPair;
      return [
        kind,
        `${errors.filter(({ truth }) => truth).length}`,
        `${errors.filter(({ truth }) => truth === false).length}`,
        code(shown.gold),
        code(shown.completion),
      ];
    }),
  ]);
}

/** The totals, as lines of the README. */
export function summaryLines(version: string, pairs: readonly JudgedPair[]): string[] {
  const held = agreementOf(pairs.filter(({ heldOut }) => heldOut)), all = agreementOf(pairs);
  const strict = graderNamed("box");
  const boxed = pairs.filter(({ kind, completion, truth }) =>
    truth !== null && completion.includes("\\boxed") && kind !== "answers without a box"
  );
  const verdicts = boxed.map(({ completion, gold, truth }) => ({
    taken: strict.grade(completion, gold).correct,
    truth,
  }));
  return markdownTable([
    ["next to math-verify", "outcome"],
    [
      `pairs of our own with the verdicts of math-verify ${version}`,
      `${all.pairs} in ${new Set(pairs.map(({ kind }) => kind)).size} kinds`,
    ],
    [
      "mode `math-verify`: agreement on the third that was held out",
      `${percent(held.agreed, held.comparable)} of ${held.comparable}`,
    ],
    ["the same on all pairs", `${percent(all.agreed, all.comparable)} of ${all.comparable}`],
    ["pairs that math-verify itself judges wrong, judged rightly here", `${all.corrected} of ${all.errors}`],
    ["false rewards of the mode `math-verify`", `${all.falseRewards}`],
    [
      "strict grader `box` on the pairs with a box: as a person says",
      `${
        percent(verdicts.filter(({ taken, truth }) => taken === truth).length, boxed.length)
      } of ${boxed.length}`,
    ],
    [
      "false rewards of the strict grader",
      `${verdicts.filter(({ taken, truth }) => taken && !truth).length}`,
    ],
  ]);
}

/** Every document with its tables. */
export async function documents(): Promise<ReadonlyMap<string, string>> {
  const { version, pairs } = await judgedPairs();
  const path = (name: string): string =>
    decodeURIComponent(new URL(`../../${name}`, import.meta.url).pathname);
  const grading = path("docs/grading.md"), readme = path("README.md");
  const tables = withBlock(await Deno.readTextFile(grading), "agreement", agreementTable(pairs));
  return new Map([
    [grading, withBlock(tables, "errors", errorTable(pairs))],
    [readme, withBlock(await Deno.readTextFile(readme), "agreement", summaryLines(version, pairs))],
  ]);
}

if (import.meta.main) {
  for (const [path, text] of await documents()) await Deno.writeTextFile(path, text);
}
