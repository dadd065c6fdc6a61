import { assert, assertEquals } from "@std/assert";
import type { AnswerForm } from "../../../lib/problems/answers/_answer_form.ts";
import { readAnswer } from "../../../lib/problems/answers/_read_answer.ts";
import { compareForms } from "../../../lib/problems/answers/_compare_forms.ts";
import { WORK_LIMIT } from "../../../lib/problems/answers/_judge_answer.ts";
import { LENIENT, STRICT } from "../../problems/_grader_fuzz.ts";
import { readBenchmark, type SuiteName } from "../../../lib/problems/mod.ts";

/** Problem sets that are no part of the project: read where they lie beside it, else their test is skipped. */
const FOLDER = new URL("../../../../shared/benchmarks/", import.meta.url);

const SUITES: readonly SuiteName[] = ["AIME24", "AMC23", "MATH-500", "Minerva-Math", "OlympiadBench"];

function isThere(): boolean {
  try {
    return Deno.statSync(FOLDER).isDirectory;
  } catch (fault) {
    if (fault instanceof Deno.errors.NotFound) return false;
    throw fault;
  }
}

/** Gold answers of the five benchmarks and of GSM8K, whose answer follows four number signs. */
async function allGolds(): Promise<string[]> {
  const golds: string[] = [];
  for (const suite of SUITES) {
    const { problems } = await readBenchmark(suite, decodeURIComponent(FOLDER.pathname));
    golds.push(...problems.map((problem) => problem.answer));
  }
  const lines = (await Deno.readTextFile(new URL("gsm8k.jsonl", FOLDER))).trim().split("\n");
  golds.push(...lines.map((line) => JSON.parse(line).answer.split("####")[1].trim()));
  return golds;
}

/** A plain number read by other means than the grader's: digits, a decimal point, an exponent, one fraction. */
function plainNumber(bare: string): number | null {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e-?\d+)?$/.test(bare)) return Number(bare);
  const fraction = /^(-?)(?:\\frac\{(-?\d+)\}\{(\d+)\}|(\d+)\/(\d+))$/.exec(bare);
  if (fraction === null) {
    const points = /^(-?\d+)\.\/(\d+)$/.exec(bare);
    return points === null ? null : Number(points[1]) / Number(points[2]);
  }
  const [, sign, top, bottom, plainTop, plainBottom] = fraction;
  return Number(`${sign}1`) * Number(top ?? plainTop) / Number(bottom ?? plainBottom);
}

/** What a gold answer says, by plain rewriting of its text: equal answers of the benchmarks have equal keys. */
function keyOf(gold: string): string {
  const bare = gold.replace(/\\mbox\{[^{}]*\}(\^\d)?|\^\{?\\circ\}?|\\[%$!]|[$\s]/g, "")
    .replace(/^(\d{1,3})((?:,\d{3})+)$/, (_, head: string, rest: string) => head + rest.replaceAll(",", ""))
    .replace(/^[a-z](\([a-z]\))?=/, "").replaceAll("\\dfrac", "\\frac").replace(/^\((.*)\)$/, "$1");
  return bare.split(",").map((part) => {
    const spelled = part.replace(/\\frac(\d)(\d)/g, "\\frac{$1}{$2}");
    return String(plainNumber(spelled) ?? spelled);
  }).sort().join(",");
}

Deno.test({
  name: "all 2,836 gold answers of ../shared/benchmarks are read, equal themselves and no other",
  ignore: !isThere(),
  fn: async (test) => {
    const golds = await allGolds();
    assertEquals(golds.length, 30 + 40 + 500 + 272 + 675 + 1319);
    const same = (gold: AnswerForm, answer: AnswerForm) =>
      [STRICT, LENIENT].some(({ decimals, isLenient }) =>
        compareForms(gold, answer, { work: { left: WORK_LIMIT }, decimals, tuplesAreSets: isLenient }) ===
          "same"
      );
    const unread: string[] = [], unequal: string[] = [];
    for (const gold of golds) {
      // Read twice: what is compared are the values, not the text and not one object with itself.
      const { form } = readAnswer(gold), { form: again } = readAnswer(` ${gold} `);
      if (form === null || again === null) unread.push(gold);
      else if (!same(form, again)) unequal.push(gold);
    }
    assertEquals([unread, unequal], [[], []]);

    const answers = [...new Set(golds)].map((gold) => {
      const { form } = readAnswer(gold);
      return { gold, key: keyOf(gold), form: form as AnswerForm };
    });
    const numbers = answers.filter(({ gold, key }) =>
      // A name or a unit may be left out but not exchanged, so these are no plain numbers.
      !/=|\\circ|\\\$|\\%|\\mbox/.test(gold) && !Number.isNaN(Number(key))
    )
      .sort((a, b) => Number(a.key) - Number(b.key));
    const others = answers.filter((answer) => !numbers.includes(answer));
    assert(numbers.length > 800 && others.length > 200, `${numbers.length} and ${others.length}`);
    await test.step(`${numbers.length} numbers: equal to the nearest others exactly when the values are`, () => {
      numbers.forEach((gold, place) => {
        for (const answer of numbers.slice(Math.max(0, place - 30), place + 31)) {
          if (same(gold.form, answer.form) !== (Number(gold.key) === Number(answer.key))) {
            throw new Error(`${gold.gold} and ${answer.gold}: ${same(gold.form, answer.form)}`);
          }
        }
      });
    });
    await test.step(`${others.length} others: equal to none of the ${answers.length} that says another thing`, () => {
      const isNumber = new Set(numbers);
      others.forEach((other, place) => {
        answers.forEach((answer, index) => {
          // Against numbers one direction each, by turns: both ways of all of them would take twice as long.
          const turned = isNumber.has(answer) && (place + index) % 2 === 0;
          const [gold, given] = turned ? [answer, other] : [other, answer];
          if (gold.key === given.key || !same(gold.form, given.form)) return;
          throw new Error(`${gold.gold} and ${given.gold} are judged equal`);
        });
      });
    });
  },
});
