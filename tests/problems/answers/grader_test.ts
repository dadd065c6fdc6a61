import { assert, assertEquals } from "@std/assert";
import { judgeAnswer, WORK_LIMIT } from "../../../lib/problems/answers/_judge_answer.ts";
import {
  type AnswerReason,
  compareAnswers,
  GRADER_VERSIONS,
  type GraderName,
  graderNamed,
} from "../../../lib/problems/mod.ts";
import { fuzzGrader, STRICT } from "../_grader_fuzz.ts";

const RIGHT: readonly (readonly [gold: string, answer: string])[] = [
  // Spellings of numbers.
  ["7", "007"],
  ["7", "7.0"],
  ["7", "$7$"],
  ["13", "\\text{13}"],
  ["-3", "\u22123"],
  ["10080", "10,\\!080"],
  ["58,500", "58500"],
  ["1000", "1{,}000"],
  ["11,\\! 111,\\! 111,\\! 100", "11111111100"],
  ["4.5e33", "4.5 \\times 10^{33}"],
  ["-3./2", "-1.5"],
  ["\\frac 59", "5/9"],
  ["\\frac9{19}", "\\dfrac{9}{19}"],
  ["1\\frac{4}{5}", "\\frac{9}{5}"],
  ["-1\\frac{1}{2}", "-1.5"],
  ["137 \\frac{1}{2}", "137.5"],
  ["\\frac{1}{3}", "0.333333"],
  ["\\frac{1}{3}", "0.\\overline{3}"],
  ["2^{10}", "1024"],
  // Surds, powers, functions.
  ["\\frac{\\sqrt{3}}{3}", "\\frac{1}{\\sqrt{3}}"],
  ["11\\sqrt2", "\\sqrt{242}"],
  ["\\sqrt{2}", "1.41421"],
  ["5 \\sqrt[3]{4}", "5 \\cdot 4^{1/3}"],
  ["e^{16}-1", "exp(16)-1"],
  ["\\frac{\\pi}{2}", "pi/2"],
  ["\\ln 4", "2\\log 2"],
  ["6 - 5i", "-5i+6"],
  ["\\frac{1}{1+i}", "\\frac{1-i}{2}"],
  ["\\arctan(1)", "\\tan^{-1} 1"],
  ["\\log_{2} 8", "3"],
  ["\\frac{100!}{2^{50}}", "100! / 2^{50}"],
  ["\\frac12", "\\cos 60^\\circ"],
  ["0", "\\ln 1"],
  ["\\infty", "+\\infty"],
  // Expressions with names.
  ["x^3+3x-6", "3x + x^3 - 6"],
  ["(a+5)(b+2)", "ab + 2a + 5b + 10"],
  ["\\sqrt{x^2}", "|x|"],
  ["\\cot x", "\\frac{\\cos x}{\\sin x}"],
  ["\\binom{2n}{n}", "\\frac{(2n)!}{(n!)^2}"],
  ["\\lceil n / 2\\rceil", "\\lfloor (n+1)/2 \\rfloor"],
  ["e^{2 i t}", "\\cos 2t + i \\sin 2t"],
  ["O(\\log \\log n)", "O(\\log\\log n)"],
  // What may be left out or added.
  ["5", "\\(5\\)"],
  ["5", "\\[ 5 \\]."],
  ["5", "\\boxed{5}"],
  ["x=5", "5"],
  ["5", "x = 5"],
  ["5", "\\frac{10}{2} = 5"],
  ["y = 2x + 3", "2x+3"],
  ["f(x)=\\frac{1}{x}", "x^{-1}"],
  ["90^\\circ", "90"],
  ["5.4 \\text{ cents}", "5.4"],
  ["864 \\mbox{ inches}^2", "864\\text{ square inches}"],
  ["10", "10 \\text{ cm}"],
  ["\\$18.90", "18.9"],
  ["62.5\\%", "0.625"],
  ["62.5\\%", "62.5"],
  ["0.5", "50\\%"],
  // Lists, sets, tuples, intervals, unions, matrices.
  ["3, 5, 7", "7, 3, 5"],
  ["1,-2", "\\{-2, 1\\}"],
  ["1 \\pm \\sqrt{19}", "1-\\sqrt{19}, 1+\\sqrt{19}"],
  ["3 \\text{ and } 4", "x = 4 \\text{ or } x = 3"],
  ["n=2,3,4", "2,3,4"],
  ["\\left( 3, \\frac{\\pi}{2} \\right)", "(3, \\pi/2)"],
  ["(3,4]", "\\left(3, 4\\right]"],
  ["x \\in [-2,7]", "[-2, 7]"],
  ["(0,9) \\cup (9,36)", "(9,36)\\cup(0,9)"],
  ["(-\\infty, 0]", "(-\\infty, 0]"],
  ["\\emptyset", "\\{\\}"],
  [
    "\\begin{pmatrix} -1/3 \\\\ 2/3 \\end{pmatrix}",
    "\\begin{bmatrix} -\\frac13 \\\\ \\frac23 \\end{bmatrix}",
  ],
  // Equations and inequalities.
  ["5x - 7y + 11z + 4 = 0", "7y - 11z = 5x + 4 "],
  ["2x + y = 3", "4x + 2y = 6"],
  ["y = 2x + 3", "2x - y + 3 = 0"],
  ["k \\ge 2", "[2,\\infty)"],
  ["1 < x \\le 3", "(1, 3]"],
  ["x > 2", "2 < x"],
  // Words, bases, ratios.
  ["A", "\\text{A}"],
  ["B", "\\text{(B)}"],
  ["\\text{Evelyn}", "evelyn"],
  ["\\text{(C)}", "C"],
  ["\\text{even}", "\\textbf{Even.}"],
  ["52_8", "52_{8}"],
  ["3:4", "6:8"],
];

const WRONG: readonly (readonly [gold: string, answer: string, reason: AnswerReason])[] = [
  // What looks alike and is not.
  ["2.55e-10", "2.26e-10", "different"],
  ["e^{30}", "e^{30}-1", "different"],
  ["12345678901234567890", "12345678901234567891", "different"],
  ["\\frac{1}{3}", "0.33", "different"],
  ["0.33", "\\frac{1}{3}", "different"],
  ["x", "|x|", "different"],
  ["\\lfloor x \\rfloor", "x", "different"],
  ["n!", "n", "different"],
  ["m", "M", "different"],
  ["12", "1 2", "unreadable answer"],
  ["12", "1,2", "different count"],
  ["52_8", "42", "different kind"],
  ["52_8", "52_9", "different"],
  ["5.4 \\text{ cents}", "5.4 \\text{ dollars}", "different unit"],
  ["\\frac{\\pi}{2}", "90^\\circ", "different"],
  ["5", "5 \\text{ or more}", "unreadable answer"],
  ["x=5", "y=5", "different"],
  ["x=2, y=3", "x=3, y=2", "different"],
  ["x=2, y=3", "3, 2", "different"],
  ["5", "4 = 5", "different"],
  ["SRAC=LRAC", "LRAC", "different kind"],
  ["5x - 7y + 11z + 4 = 0", "f(170!x)=\\frac{1}{x}", "different"],
  ["5x - 7y + 11z + 4 = 0", "5x - 7y + 11z = 4", "different"],
  ["O(\\log \\log n)", "\\Theta(\\log\\log n)", "different"],
  ["0", "e^{-1000}", "not comparable"],
  ["\\infty", "-\\infty", "different"],
  ["A", "\\text{a}", "different"],
  // Saying more or less than asked.
  ["2", "1, 2, 3", "different count"],
  ["1, 2", "1, 2, 3", "different count"],
  ["1, 2", "1", "different count"],
  ["-2,-2", "-2", "different count"],
  ["(1,2)", "(2,1)", "different"],
  ["(1,2)", "1,2", "different kind"],
  ["\\text{(C)}", "\\text{(D)}", "different"],
  ["\\text{even}", "2", "different kind"],
  ["k \\ge 2", "k > 2", "different"],
  ["k \\ge 2", "k \\le 2", "different"],
  ["(0,9) \\cup (9,36)", "(0,36)", "different"],
  ["\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}", "\\begin{pmatrix} 1 & 2 \\end{pmatrix}", "different count"],
  // Nothing to read.
  ["5", "\\frac{5", "unreadable answer"],
  ["5", "I do not know", "different"],
  ["5", "9".repeat(2000), "too long"],
];

for (const [gold, answer] of RIGHT) {
  Deno.test(`compareAnswers() takes ${JSON.stringify(answer)} for ${JSON.stringify(gold)}`, () => {
    const { correct, reason } = compareAnswers(gold, answer);
    assert(correct, reason);
  });
}

for (const [gold, answer, reason] of WRONG) {
  Deno.test(`compareAnswers() refuses ${JSON.stringify(answer.slice(0, 60))} for ${JSON.stringify(gold)}: ${reason}`, () => {
    assertEquals(compareAnswers(gold, answer), { correct: false, reason });
  });
}

Deno.test("graderNamed() grades the last box, or the last tags, and signs each verdict", () => {
  const { grade, name, version } = graderNamed("box");
  assertEquals(grade("\\boxed{3} no, \\boxed{x = \\frac{8}{2}}.", "4"), {
    correct: true,
    extracted: "x = \\frac{8}{2}",
    reason: "same value",
    grader: name,
    version,
  });
  assertEquals(grade("\\boxed{4} and \\boxed{4", "4").reason, "unbalanced box");
  assertEquals(grade("The answer is 4.", "4").reason, "no box");
  const between = graderNamed("box", { mode: "answer" });
  assertEquals(between.grade("\\boxed{5} <answer>4</answer>", "4").correct, true);
  assertEquals(between.grade("\\boxed{4}", "4").reason, "no answer tags");
});

Deno.test("graderNamed() gives every grader its name and version", () => {
  for (const name of Object.keys(GRADER_VERSIONS) as GraderName[]) {
    for (const mode of ["box", "answer"] as const) {
      const grader = graderNamed(name, { mode });
      assertEquals([grader.name, grader.version], [name, GRADER_VERSIONS[name]]);
      const text = mode === "box" ? "\\boxed{12}" : "<answer>12</answer>";
      const verdict = grader.grade(text, "12");
      assertEquals([verdict.grader, verdict.version, verdict.correct, verdict.extracted], [
        name,
        GRADER_VERSIONS[name],
        true,
        "12",
      ]);
      assertEquals(grader.grade(text, "13").correct, false);
      assertEquals(grader.grade("", "13").extracted, null);
    }
  }
});

Deno.test("compareAnswers() takes roundings of the gold answer only where they are asked for", () => {
  const pairs = [
    ["\\frac{1}{3}", "0.33"],
    ["\\sqrt{2}", "1.41"],
    ["2.718281828", "2.72"],
    ["10\\pi", "31.4"],
    [
      "(1, \\frac{2}{3})",
      "(1, 0.667)",
    ],
  ];
  for (const [gold = "", answer = ""] of pairs) {
    assertEquals([answer, compareAnswers(gold, answer).correct], [answer, false]);
    assertEquals([answer, compareAnswers(gold, answer, { roundings: true }).correct], [answer, true]);
    assertEquals(graderNamed("box", { roundings: true }).grade(`\\boxed{${answer}}`, gold).correct, true);
  }
  for (
    const [gold = "", answer = ""] of [["\\frac{1}{3}", "0.34"], ["\\sqrt{2}", "1.42"], [
      "0.33",
      "\\frac{1}{3}",
    ]]
  ) {
    assertEquals([answer, compareAnswers(gold, answer, { roundings: true }).correct], [answer, false]);
  }
});

Deno.test("compareAnswers() has math-verify's rules for decimals, tuples, sets and letters on request", () => {
  const cases: readonly (readonly [gold: string, answer: string, strict: boolean, lenient: boolean])[] = [
    ["\\frac{1}{3}", "0.333333", true, true],
    ["\\frac{1}{3}", "0.33333", false, false],
    ["\\sqrt{2}", "1.41421", true, false],
    ["1", "0.9999999", false, true],
    // Six places say nothing about numbers as small as these.
    ["2.55e-10", "2.26e-10", false, false],
    // They count up to one per cent of the larger number.
    ["0.0000995", "0.000100498", false, true],
    ["0.0000995", "0.00010051", false, false],
    ["(1, 2)", "1, 2", false, true],
    ["(2, 1)", "1, 2", false, false],
    ["(1, 2)", "\\{1, 2\\}", false, true],
    ["\\{3, 1, 2\\}", "(1, 2, 3)", false, true],
    ["[1, 2]", "1, 2", false, false],
    ["2, 2", "2", false, true],
    ["B", "b", false, true],
    ["m", "M", false, false],
    ["0,111", "0.111", true, true],
    ["1,22", "1.22", false, true],
    ["2,3", "2.3", false, false],
    ["(1, 3]", "1 < x \\le 3", false, false],
    ["1 < x \\le 3", "(1, 3]", true, true],
  ];
  for (const [gold, answer, strict, lenient] of cases) {
    const verdicts = (["box", "math-verify"] as const).map((grader) =>
      compareAnswers(gold, answer, { grader }).correct
    );
    assertEquals([gold, answer, ...verdicts], [gold, answer, strict, lenient]);
  }
});

Deno.test("compareAnswers() neither throws nor passes its bound on work on 3,000 mutated answers", () => {
  const { thrown, overBound, notThemselves, reasons, read, rewritten, mostWork } = fuzzGrader({
    count: 3000,
  });
  assertEquals([thrown, overBound, notThemselves], [[], [], []]);
  // The mutations reach every stage: text that is not read, text that is and differs, text beyond the bounds.
  for (
    const reason of [
      "unreadable answer",
      "unreadable gold",
      "too long",
      "different",
      "not comparable",
    ] as const
  ) {
    assert((reasons.get(reason) ?? 0) > 0, `never ${reason}`);
  }
  assert(read > 600 && rewritten > 30 && mostWork > 5000, `${read}, ${rewritten}, ${mostWork}`);
});

Deno.test("judgeAnswer() gives up at its bound on work, and not before", () => {
  // Items that are one for x >= 0 only, in opposite orders: each is told from half of the others at the ninth point.
  const judge = (item: (index: number) => string) => {
    const list = (place: (index: number) => number): string =>
      Array.from({ length: 40 }, (_, index) => item(place(index))).join(",");
    return judgeAnswer(list((index) => index), list((index) => 39 - index), STRICT);
  };
  const within = judge((index) => `x+${index}(|x|-x)`);
  assertEquals(within.reason, "same value");
  assert(within.work > WORK_LIMIT / 3 && within.work < WORK_LIMIT, `${within.work}`);
  assertEquals(judge((index) => `x+${index}(|x|-x)+x-x+x-x`), { reason: "not comparable", work: WORK_LIMIT });
});

Deno.test("compareAnswers() is quick on what makes parsers slow", () => {
  const pieces = [
    "|",
    "\\lfloor ",
    "(",
    "[",
    "{",
    "\\sin(",
    "f(",
    "k(",
    "\\frac{d}{dx}",
    "\\frac{",
    "x^{",
    "x^",
    "-",
    "!",
    "9!!",
  ];
  for (
    const piece of [
      ...pieces,
      "\\sin ",
      "1,",
      "\\sqrt",
      "x_",
      "\\{",
      "\\begin{cases}",
      "a:",
      "\\cup ",
      "=",
      "\\text{",
    ]
  ) {
    for (const closing of ["", ")", "]", "}", "\\}", "\\rfloor ", "|", "\\end{cases}"]) {
      for (const inside of ["", "1", "+"]) {
        const text = `${piece.repeat(30)}${inside}${closing.repeat(30)}`;
        for (const grader of ["box", "math-verify"] as const) {
          const { correct } = compareAnswers("12", text, { grader });
          assertEquals([text, correct], [text, false]);
        }
      }
    }
  }
  assertEquals(compareAnswers("10^{10^{10}}", "10^{10^{10}+1}").correct, false);
  assertEquals(compareAnswers("3000!", "2999!").correct, false);
});
