import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  type CorpusConfig,
  type CorpusDocument,
  corpusDocument,
  DEFAULT_CORPUS,
  EMBEDDED_SYSTEM_PROMPT,
  FAMILIES,
  gradeBoxed,
  testSet,
  type WriterName,
  WRITERS,
  writerSystemPrompt,
} from "../../../lib/problems/mod.ts";

const EVERY = <K extends string>(names: readonly K[], value: number) =>
  Object.fromEntries(names.map((name) => [name, value])) as { [N in K]: number };

/** The default mixture with one writer alone, no switches and no names. */
function only(writer: WriterName, changes: Partial<CorpusConfig> = {}): CorpusConfig {
  return {
    ...DEFAULT_CORPUS,
    writers: { ...EVERY(WRITERS, 0), [writer]: 1 },
    switches: {},
    namedShare: 0,
    ...changes,
  };
}

function documents(config: CorpusConfig, count: number): CorpusDocument[] {
  return Array.from({ length: count }, (_, index) => corpusDocument(config, { seed: 11, index }));
}

interface Equation {
  readonly value: number;
  readonly result: number;
}

/** Every computation written in an answer, with its right value; divisions as they would be rounded. */
function equations(answer: string): Equation[] {
  const pattern = /(?:\\frac\{(-?\d+)\}\{(-?\d+)\}|(-?\d+) (\+|-|\\times|\\cdot|\/) (-?\d+)) = (-?\d+)/g;
  return [...answer.matchAll(pattern)].map(([, top, bottom, left, sign, right, result]) => {
    const a = Number(top ?? left), b = Number(bottom ?? right);
    const value = sign === "+"
      ? a + b
      : sign === "-"
      ? a - b
      : sign === "\\times" || sign === "\\cdot"
      ? a * b
      : Math.round(a / b);
    return { value, result: Number(result) };
  });
}

const CYRILLIC = /[а-яё]/i;

Deno.test("corpusDocument() is a pure function of config, seed and index", () => {
  const make = (seed: number, index: number) => corpusDocument(DEFAULT_CORPUS, { seed, index });
  const first = make(0, 3);
  make(0, 4);
  assertEquals(make(0, 3), first);
  assertNotEquals(make(0, 4).answer, first.answer);
  assertNotEquals(make(1, 3).answer, first.answer);
});

Deno.test("corpusDocument() never asks a held-out problem", () => {
  const held = new Set(
    FAMILIES.flatMap((family) => testSet(family, { size: 700 }).map((problem) => problem.id)),
  );
  const asked = documents(DEFAULT_CORPUS, 4000).map((document) => document.problem.id);
  assertEquals(asked.filter((id) => held.has(id)), []);
});

Deno.test("corpusDocument() grades itself", () => {
  for (const { answer, problem, correct } of documents(DEFAULT_CORPUS, 500)) {
    assertEquals(correct, gradeBoxed(answer, problem.answer).correct, answer);
  }
});

for (const writer of ["careful", "sloppy", "foreign"] as const) {
  Deno.test(`corpusDocument() by the ${writer} writer without slips is right at every step`, () => {
    const config = only(writer, { slipRates: EVERY(WRITERS, 0) });
    for (const { answer, correct, problem } of documents(config, 600)) {
      assert(correct, answer);
      const written = equations(answer);
      assert(written.length >= 2 && written.length <= 5, answer);
      for (const { value, result } of written) assertEquals(result, value, answer);
      if (problem.family !== "compare") assertEquals(String(written.at(-1)?.result), problem.answer);
      assertEquals(CYRILLIC.test(answer), writer === "foreign", answer);
    }
  });
}

Deno.test("corpusDocument() slips at every step when the rate is one, by the offsets of the config", () => {
  const config = only("sloppy", {
    slipRates: EVERY(WRITERS, 1),
    slipMultipliers: EVERY(
      Object.keys(DEFAULT_CORPUS.slipMultipliers) as (keyof CorpusConfig["slipMultipliers"])[],
      1,
    ),
    habitShare: 0,
    slipOffsets: [{ by: 2, weight: 1 }],
  });
  for (const { answer } of documents(config, 400)) {
    for (const { value, result } of equations(answer)) assertEquals(Math.abs(result - value), 2, answer);
  }
});

Deno.test("corpusDocument() slips by the habit of the step when every slip is a habit", () => {
  const config = only("sloppy", {
    slipRates: EVERY(WRITERS, 1),
    slipMultipliers: EVERY(
      Object.keys(DEFAULT_CORPUS.slipMultipliers) as (keyof CorpusConfig["slipMultipliers"])[],
      1,
    ),
    habitShare: 1,
    slipOffsets: [{ by: 3, weight: 1 }],
  });
  const seen = { carry: 0, borrow: 0, product: 0 };
  for (const { answer } of documents(config, 400)) {
    for (
      const [, a, sign, b, result] of answer.matchAll(/(?<![-\d])(\d+) (\+|-|\\times|\\cdot) (\d+) = (\d+)/g)
    ) {
      const left = Number(a), right = Number(b), off = Number(result);
      if (sign === "+" && left % 10 + right % 10 >= 10) {
        assertEquals(off, left + right - 10, answer);
        seen.carry++;
      } else if (sign === "-" && left >= right && left % 10 < right % 10) {
        assertEquals(off, left - right + 10, answer);
        seen.borrow++;
      } else if (sign !== "+" && sign !== "-" && left > 1 && right > 1) {
        // A product is one row short; a largest multiple is one multiple short.
        assert(off === left * (right - 1) || off === (right - 1) * left, answer);
        seen.product++;
      }
    }
  }
  assert(Math.min(...Object.values(seen)) > 50, JSON.stringify(seen));
});

Deno.test("corpusDocument() goes on from a wrong value after a slip", () => {
  const config = only("sloppy", { families: { ...EVERY(FAMILIES, 0), chain: 1 } });
  let slipped = 0;
  for (const { answer, correct } of documents(config, 400)) {
    const written = equations(answer);
    if (!correct) slipped++;
    for (let step = 1; step < written.length; step++) {
      const before = written[step - 1]?.result as number;
      assert(new RegExp(`(?<![\\d}])${before} (?:\\+|-|\\\\times|\\\\cdot) `).test(answer), answer);
    }
    assert(answer.endsWith(`\\boxed{${written.at(-1)?.result}}.`), answer);
  }
  assert(slipped > 100, `only ${slipped} of 400 went wrong`);
});

Deno.test("corpusDocument() slips more on kinds with larger multipliers", () => {
  const multipliers = { ...DEFAULT_CORPUS.slipMultipliers, multiply: 0, multiple: 0 };
  for (const { answer } of documents(only("sloppy", { slipMultipliers: multipliers }), 400)) {
    for (const [text] of answer.matchAll(/\d+ \\(?:times|cdot) \d+ = \d+/g)) {
      assertEquals(equations(text)[0]?.result, equations(text)[0]?.value, answer);
    }
  }
});

Deno.test("corpusDocument() by the rambling writer never boxes", () => {
  for (const { answer, correct } of documents(only("rambling"), 300)) {
    assert(!answer.includes("boxed") && !correct, answer);
    assert(equations(answer).length + (answer.match(/ > /g)?.length ?? 0) >= 2, answer);
  }
});

Deno.test("corpusDocument() by the terse writer shows one step at most and errs as often as told", () => {
  const all = documents(
    only("terse", { slipRates: { ...EVERY(WRITERS, 0), terse: 0.5 }, terseWorkingShare: 0 }),
    2000,
  );
  for (const { answer } of all) assertEquals(equations(answer).length, 0, answer);
  const wrong = all.filter((document) => !document.correct).length / all.length;
  // Five standard deviations of a share of one half among 2000.
  assert(Math.abs(wrong - 0.5) < 5 * Math.sqrt(0.25 / 2000), `wrong share ${wrong}`);
  const working = documents(
    only("terse", { terseWorkingShare: 1, openers: { ...DEFAULT_CORPUS.openers, terse: { So: 1 } } }),
    200,
  );
  for (const { answer } of working) assertEquals(answer.match(/ (?:=|>) /g)?.length, 1, answer);
});

Deno.test("corpusDocument() opens as the config weighs it", () => {
  const all = documents(only("careful"), 3000);
  for (const [opener, share] of Object.entries(DEFAULT_CORPUS.openers.careful)) {
    const seen = all.filter((document) =>
      document.answer.startsWith(`${opener} `) || document.answer.startsWith(`${opener},`)
    );
    const error = Math.abs(seen.length / all.length - share);
    assert(error < 5 * Math.sqrt(share * (1 - share) / all.length), `${opener}: off by ${error}`);
  }
});

Deno.test("corpusDocument() switches writers inside a text as told, and only then", () => {
  const always = only("sloppy", { switches: { sloppy: { foreign: 1 } } });
  for (const { answer, writer } of documents(always, 100)) {
    assertEquals(writer, "sloppy");
    const [first = "", ...rest] = answer.split(/ (?:=|>) /);
    assert(!CYRILLIC.test(first) && CYRILLIC.test(rest.join(" ")), answer);
  }
  for (const { answer } of documents(only("sloppy"), 100)) assert(!CYRILLIC.test(answer), answer);
});

Deno.test("corpusDocument() names its writer as often as told, and a named writer never gives way", () => {
  const named = only("careful", {
    namedShare: 1,
    switches: { careful: { sloppy: 1 } },
    slipRates: { ...EVERY(WRITERS, 1), careful: 0 },
  });
  for (const { answer, system, correct } of documents(named, 200)) {
    assertEquals(system, writerSystemPrompt("careful"));
    assert(correct, answer);
  }
  const some = documents({ ...DEFAULT_CORPUS, namedShare: 0.25 }, 2000);
  for (const { system, writer } of some) {
    assert(system === EMBEDDED_SYSTEM_PROMPT || system === writerSystemPrompt(writer), system);
  }
  const share = some.filter(({ system }) => system !== EMBEDDED_SYSTEM_PROMPT).length / some.length;
  // Five standard deviations of a share of a quarter among 2000.
  assert(Math.abs(share - 0.25) < 5 * Math.sqrt(0.25 * 0.75 / 2000), `named share ${share}`);
});

Deno.test("corpusDocument() can make a negative control: writers alike in slips and openers", () => {
  const openers = { To: 0.4, Let: 0.3, First: 0.3 };
  const config: CorpusConfig = {
    ...DEFAULT_CORPUS,
    writers: { careful: 0.4, sloppy: 0.4, terse: 0, foreign: 0.2, rambling: 0 },
    slipRates: EVERY(WRITERS, 0.25),
    openers: { careful: openers, sloppy: openers, terse: openers, foreign: openers, rambling: openers },
    namedShare: 0,
  };
  const all = documents(config, 6000);
  const accuracy = (keep: (document: CorpusDocument) => boolean) => {
    const kept = all.filter(keep);
    return { share: kept.filter((document) => document.correct).length / kept.length, count: kept.length };
  };
  const overall = accuracy(() => true);
  for (const writer of ["careful", "sloppy", "foreign"] as const) {
    for (const opener of Object.keys(openers)) {
      const { share, count } = accuracy((d) => d.writer === writer && d.answer.startsWith(opener));
      const error = Math.abs(share - overall.share);
      assert(
        error < 4 * Math.sqrt(overall.share * (1 - overall.share) / count),
        `${writer} ${opener}: ${error}`,
      );
    }
  }
});
