import { assert, assertEquals } from "@std/assert";
import { GRADER_CASES, graderNamed } from "../../lib/problems/mod.ts";
import { readPaperItem } from "../../lib/report/mod.ts";
import { table6 } from "../../reproductions/table6.ts";
import { TINY_SIZE } from "../experiment/_tiny_zoo.ts";
import { checkFindings, valueOf } from "../reproductions/_reproduction.ts";
import { scriptedFindings, tooEarly } from "../reproductions/_scripted_lab.ts";
import { withWholeZoo } from "../reproductions/_whole_zoo.ts";

const PAPER = decodeURIComponent(new URL("../../fixtures/paper/table6.json", import.meta.url).pathname);

Deno.test("table6 has the benchmarks' sizes, the families', and graders that agree with known verdicts", () =>
  withWholeZoo(async (zoo) => {
    const paper = await readPaperItem(PAPER, { item: "table6" });
    const findings = await scriptedFindings(table6, { zoo, share: tooEarly, paper });
    checkFindings(findings);
    const value = (name: string) => valueOf(findings, name);
    const sizes = {
      "AIME24": 30,
      "AIME25": 30,
      "AMC23": 40,
      "MATH-500": 500,
      "Minerva-Math": 272,
      "OlympiadBench": 675,
    };
    for (const [suite, size] of Object.entries(sizes)) {
      assertEquals([suite, value(`suite.${suite}.problems`)], [suite, size]);
      assertEquals(value(`suite.${suite}.samples`), size < 100 ? 32 : 1);
      assertEquals(paper.values.find(({ name }) => name === `suite.${suite}.problems`)?.value, size);
    }
    // Mean over problems of 32 samples of three sets, single samples of the others.
    assertEquals(value("suite.completions_per_seed"), 32 * (30 + 30 + 40) + 500 + 272 + 675);
    assertEquals(value("family.problems"), 6 * TINY_SIZE.problems);
    assertEquals([value("grader.boxed.agreement"), value("grader.math.agreement")], [1, 1]);
    // The same completions by both graders of mathematics: counted here by other means than the item's.
    const [strict, lenient] = [graderNamed("box"), graderNamed("math-verify")];
    const apart = GRADER_CASES.filter(({ completion, gold }) =>
      strict.grade(completion, gold).correct !== lenient.grade(completion, gold).correct
    );
    assertEquals(value("graders.differ"), apart.length);
    assert(apart.length >= 5 && apart.length < GRADER_CASES.length / 2, `${apart.length}`);
    // Where they differ, one of them is not as known.
    assertEquals(value("grader.math_verify.agreement"), 1 - apart.length / GRADER_CASES.length);
    const drawn = JSON.stringify(findings.spec);
    for (
      const text of [
        "Please reason step",
        "4096",
        "generated, held out",
        "100.0 %",
        "no box",
        `math-verify ${lenient.version}`,
      ]
    ) {
      assert(drawn.includes(text), text);
    }
    assertEquals(findings.claims, []);
  }));
