import { assert, assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import {
  ARITHMETIC_FAMILIES,
  FAMILIES,
  type FamilyName,
  PROBLEM_SETS,
  testSet,
  trainProblem,
} from "../../lib/problems/mod.ts";

const numbers = (text: string) => (text.match(/\d+/g) ?? []).map(Number);

/** Value of an expression of numbers, \times, +, - and one pair of parentheses, by the usual precedence. */
function evaluate(expression: string): number {
  const flat = expression.replace(/\(([^)]*)\)/, (_, inner: string) => String(evaluate(inner)));
  return flat.replaceAll(" - ", " + -").split(" + ").map((term) => {
    const negative = term.startsWith("-") ? -1 : 1;
    return negative * numbers(term).reduce((product, factor) => product * factor, 1);
  }).reduce((sum, term) => sum + term, 0);
}

/** Each family's answer from the words of the question alone, knowing nothing of the steps. */
const SOLVERS: { readonly [F in FamilyName]: (question: string) => number } = {
  linear(question) {
    const told = /(Add|Multiply).* to get (\d+)/.exec(question);
    const [a = 0, b = 0, c = 0] = numbers(question);
    const value = (x: number) =>
      told === null
        ? (question.includes("(") ? a * (x + b) : question.includes(" - ") ? a * x - b : a * x + b)
        : told[1] === "Add"
        ? (x + a) * b
        : question.includes("subtract")
        ? a * x - b
        : a * x + b;
    const solutions = Array.from({ length: 100 }, (_, x) => x).filter((x) => value(x) === c);
    assertEquals(solutions.length, 1, question);
    return solutions[0] as number;
  },
  words(question) {
    const [a = 0, b = 0, c = 0, d = 0] = numbers(question);
    if (question.includes("gives away")) return a * b + c - d;
    if (question.includes("more.")) return a * b + c;
    return a - b * c;
  },
  compare(question) {
    const parts = /(?:larger(?: of|,|:)) (.+) (?:or|and) (.+?)[?.]/.exec(question);
    return Math.max(evaluate(parts?.[1] ?? ""), evaluate(parts?.[2] ?? ""));
  },
  remainder(question) {
    const [a = 0, b = 0, divisor = 0] = numbers(question);
    return (a + b) % divisor;
  },
  chain(question) {
    const formula = /^(?:What is|Find the result of) (.+?)[?.]$/.exec(question)?.[1];
    if (formula !== undefined) return evaluate(formula);
    const acts = [...question.matchAll(/(multiply by|times|add|plus|subtract|minus) (\d+)/g)];
    assertEquals(acts.length, 3, question);
    return acts.reduce((so, [, act, operand]) => {
      if (act === "add" || act === "plus") return so + Number(operand);
      return act === "subtract" || act === "minus" ? so - Number(operand) : so * Number(operand);
    }, numbers(question)[0] as number);
  },
  sequence(question) {
    const shown = numbers(/\d+, \d+, \d+/.exec(question)?.[0] ?? "");
    const term = Number(/term (\d+)/.exec(question)?.[1]);
    const [first = 0, second = 0, third = 0] = shown;
    assertEquals(third - second, second - first);
    return first + (term - 1) * (second - first);
  },
};

async function heldOut(id: string): Promise<boolean> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(id));
  return new DataView(digest).getUint32(0) % 8 === 0;
}

for (const family of FAMILIES) {
  Deno.test(`trainProblem() of ${family} has the answer that its question has`, () => {
    for (let index = 0; index < 400; index++) {
      const { question, answer } = trainProblem(family, { seed: 1, index });
      assertEquals(answer, String(SOLVERS[family](question)), question);
      assert(Number(answer) >= 0 && Number(answer) <= 99, `${question} ${answer}`);
    }
  });

  Deno.test(`trainProblem() of ${family} is never held out, testSet() always`, async () => {
    for (let index = 0; index < 200; index++) {
      assert(!await heldOut(trainProblem(family, { seed: 2, index }).id));
    }
    const set = testSet(family, { size: 300 });
    for (const problem of set) assert(await heldOut(problem.id), problem.id);
    assertEquals(new Set(set.map((problem) => problem.id)).size, 300);
    for (const { question, answer } of set) assertEquals(answer, String(SOLVERS[family](question)), question);
  });

  Deno.test(`testSet() of ${family} holds an eighth of a space of thousands`, () => {
    assertEquals(testSet(family, { size: 700 }).length, 700);
  });
}

Deno.test("testSet() of a smaller size begins the larger one", () => {
  assertEquals(testSet("chain", { size: 30 }).slice(0, 10), testSet("chain", { size: 10 }));
});

Deno.test("testSet() of another seed is another sample of the same split", async () => {
  const set = testSet("chain", { size: 50, seed: 9 });
  assertNotEquals(
    set.map((problem) => problem.id),
    testSet("chain", { size: 50 }).map((problem) => problem.id),
  );
  for (const problem of set) assert(await heldOut(problem.id));
});

Deno.test("testSet() refuses more problems than the family has", () => {
  assertThrows(
    () => testSet("linear", { size: 10_000 }),
    RangeError,
    "Cannot make a test set of linear as its size must be <=",
  );
});

Deno.test("testSet() refuses sizes that are no positive integer", () => {
  for (const size of [0, -1, 1.5, NaN]) {
    assertThrows(() => testSet("linear", { size }), RangeError, String(size));
  }
});

Deno.test("trainProblem() refuses an unknown family by name", () => {
  assertThrows(() => trainProblem("algebra" as FamilyName, { seed: 0, index: 0 }), RangeError, "algebra");
});

Deno.test("trainProblem() depends on seed and index alone", () => {
  const first = trainProblem("words", { seed: 4, index: 8 });
  trainProblem("words", { seed: 4, index: 9 });
  assertEquals(trainProblem("words", { seed: 4, index: 8 }), first);
  const ids = new Set(
    Array.from({ length: 200 }, (_, index) => trainProblem("words", { seed: 4, index }).id),
  );
  assert(ids.size > 180, `only ${ids.size} of 200 problems differ`);
  assertMatch(first.id, /^words\//);
});

/** The answer of a question of first arithmetic, from its words alone. */
function firstAnswer(question: string): number {
  const [a = 0, b = 0] = numbers(question);
  if (/larger/.test(question)) return Math.max(a, b);
  if (/Subtract/.test(question)) return b - a;
  if (/ - | minus |gives/.test(question)) return a - b;
  if (/×|times|Multiply|in each/.test(question)) return a * b;
  if (/\+|plus|Add|more/.test(question)) return a + b;
  throw new Error(question);
}

/** The numbers that a question of first arithmetic asks about, and what it asks, whatever its words and their order. */
function asked(question: string): string {
  const order = /Subtract| - | minus |gives|boxes/.test(question) ? 0 : 1;
  const pair = /Subtract/.test(question) ? numbers(question).reverse() : numbers(question);
  const what = ["larger", "has .* more", "gives", "boxes"].find((word) => new RegExp(word).test(question)) ??
    (/×|times|Multiply/.test(question) ? "times" : order === 0 ? "minus" : "plus");
  return `${what} ${order === 0 || what === "has .* more" ? pair : pair.sort((a, b) => a - b)}`;
}

Deno.test("first arithmetic has the answers that its questions have, and asks every pair in one split alone", () => {
  const { families, heldOut: count } = PROBLEM_SETS["first-arithmetic"];
  assertEquals(families, ARITHMETIC_FAMILIES);
  for (const family of ARITHMETIC_FAMILIES) {
    const train = Array.from({ length: 600 }, (_, index) => trainProblem(family, { seed: 3, index }));
    const test = testSet(family, { size: count });
    for (const { question, answer } of [...train, ...test]) {
      assertEquals(answer, String(firstAnswer(question)), question);
    }
    assertEquals(new Set(test.map(({ id }) => id)).size, count);
    assertEquals(new Set(test.map(({ question }) => question)).size, count);
    const trained = new Set(train.map(({ question }) => asked(question)));
    assertEquals(test.filter(({ question }) => trained.has(asked(question))), [], family);
  }
});

Deno.test("the sums, differences and products of first arithmetic are of one digit, what is compared has two", () => {
  for (const family of ["sums", "differences", "products", "larger"] as const) {
    for (let index = 0; index < 300; index++) {
      const { question } = trainProblem(family, { seed: 1, index });
      const lengths = numbers(question).map((number) => String(number).length).join();
      assertEquals(lengths, family === "larger" ? "2,2" : "1,1", question);
    }
  }
});
