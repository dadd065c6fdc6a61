import { assertEquals } from "@std/assert";
import { gradeBoxed, GRADER_VERSIONS, type VerdictReason } from "../../../lib/problems/mod.ts";

const CASES:
  readonly (readonly [completion: string, gold: string, reason: VerdictReason, extracted: string | null])[] =
    [
      ["So \\boxed{12}.", "12", "equal", "12"],
      ["So \\boxed{13}.", "12", "different", "13"],
      ["The answer is 12.", "12", "no box", null],
      ["", "12", "no box", null],
      ["\\boxed{12} no, \\boxed{13}", "12", "different", "13"],
      ["\\boxed{13} no, \\boxed{12}", "12", "equal", "12"],
      ["\\boxed{12} or \\boxed{12", "12", "unbalanced box", null],
      ["\\boxed{12", "12", "unbalanced box", null],
      ["\\boxed{{12}", "12", "unbalanced box", null],
      ["\\boxed 12", "12", "unbalanced box", null],
      // Named, with no operand: no box.
      ["\\boxed", "12", "no box", null],
      ["\\boxed{12}. I wrote it in \\boxed.", "12", "equal", "12"],
      ["\\boxed{13}. I wrote 12 in \\boxed", "12", "different", "13"],
      ["As \\boxed says: \\boxed{12}", "12", "equal", "12"],
      ["\\boxed{12} and \\boxed 13", "12", "unbalanced box", null],
      ["\\boxed{12} and \\boxed -12", "12", "unbalanced box", null],
      ["\\boxed\n{12}", "12", "equal", "12"],
      ["\\boxed \t{ 12}", "12", "equal", " 12"],
      ["\\boxed{12} \\fbox{13}", "12", "equal", "12"],
      ["\\fbox{13} then \\fbox{12}", "12", "equal", "12"],
      // Boxes side by side are one answer, of two numbers.
      ["\\boxed{13} and \\boxed{12}", "12", "not a number", "13, 12"],
      ["\\boxed{13}, \\boxed{12}", "12", "not a number", "13, 12"],
      ["\\boxed{12} or \\boxed{12}", "12", "equal", "12"],
      ["$\\boxed{13}$ and $\\boxed{12}$", "12", "not a number", "13, 12"],
      ["\\boxed{13} so \\boxed{12}", "12", "equal", "12"],
      ["\\boxed{13}. \\boxed{12}", "12", "equal", "12"],
      ["\\boxedly{12}", "12", "no box", null],
      ["\\boxed{}", "12", "empty box", ""],
      ["\\boxed{ }", "12", "empty box", " "],
      ["\\boxed{ 12 }", "12", "equal", " 12 "],
      ["\\boxed {12}", "12", "equal", "12"],
      ["\\boxed{$12$}", "12", "equal", "$12$"],
      ["\\boxed{012}", "12", "equal", "012"],
      ["\\boxed{12.0}", "12", "equal", "12.0"],
      ["\\boxed{12.}", "12", "equal", "12."],
      ["\\boxed{12.5}", "12", "different", "12.5"],
      // Fonts say nothing.
      ["\\boxed{\\mathbf{12}}", "12", "equal", "\\mathbf{12}"],
      ["\\boxed{\\mathrm{12}}", "12", "equal", "\\mathrm{12}"],
      ["\\boxed{\\boldsymbol {12}}", "12", "equal", "\\boldsymbol {12}"],
      ["\\boxed{\\bm{-3}}", "-3", "equal", "\\bm{-3}"],
      ["\\boxed{\\text{12}}", "12", "equal", "\\text{12}"],
      ["\\boxed{\\textbf{\\textit{1,200}}}", "1200", "equal", "\\textbf{\\textit{1,200}}"],
      ["\\boxed{\\mathbf{13}}", "12", "different", "\\mathbf{13}"],
      ["\\boxed{\\mathbf{1}2}", "12", "not a number", "\\mathbf{1}2"],
      ["\\boxed{\\boldsymbol{\\frac{1}{2}}}", "\\frac{1}{2}", "equal", "\\boldsymbol{\\frac{1}{2}}"],
      ["\\boxed{.50}", "0.5", "equal", ".50"],
      ["\\boxed{1,200}", "1200", "equal", "1,200"],
      ["\\boxed{1{,}200}", "1200", "equal", "1{,}200"],
      ["\\boxed{1,2}", "12", "not a number", "1,2"],
      ["\\boxed{1 2}", "12", "not a number", "1 2"],
      ["\\boxed{-3}", "-3", "equal", "-3"],
      ["\\boxed{-3}", "3", "different", "-3"],
      ["\\boxed{-0}", "0", "equal", "-0"],
      ["\\boxed{+3}", "3", "equal", "+3"],
      ["\\boxed{x = 12}", "12", "not a number", "x = 12"],
      ["\\boxed{\\frac{1}{2}}", "12", "not a number", "\\frac{1}{2}"],
      ["\\boxed{\\frac{1}{2}}", "\\frac{1}{2}", "equal", "\\frac{1}{2}"],
      ["\\boxed{a\\}}", "12", "not a number", "a\\}"],
      ["\\boxed{\\boxed{12}}", "12", "equal", "12"],
      ["\\boxed{12}}}} trailing", "12", "equal", "12"],
      ["\\boxed{12345678901234567890}", "12345678901234567891", "different", "12345678901234567890"],
      ["\\boxed{12\\", "12", "unbalanced box", null],
      ["\\boxed{.}", "0", "not a number", "."],
    ];

for (const [completion, gold, reason, extracted] of CASES) {
  Deno.test(`gradeBoxed() finds ${JSON.stringify(completion)} against ${gold}: ${reason}`, () => {
    const { grader, version, ...verdict } = gradeBoxed(completion, gold);
    assertEquals(verdict, { correct: reason === "equal", extracted, reason });
    assertEquals([grader, version], ["box-number", GRADER_VERSIONS["box-number"]]);
  });
}

Deno.test("gradeBoxed() is quick on hostile text", () => {
  assertEquals(gradeBoxed("\\boxed{".repeat(20_000), "1").reason, "unbalanced box");
  assertEquals(gradeBoxed(`\\boxed{${",".repeat(50_000)}1}`, "1").reason, "equal");
  assertEquals(gradeBoxed(`\\boxed{1${" ".repeat(50_000)}1}`, "1").reason, "not a number");
});
