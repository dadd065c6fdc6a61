import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { corpusDocument, type CorpusGroup, corpusReport, DEFAULT_CORPUS } from "../../../lib/problems/mod.ts";

const between = (value: number | null | undefined, range: readonly [number, number], what: string) =>
  assert(
    value !== null && value !== undefined && value >= range[0] && value <= range[1],
    `${what}: ${value}`,
  );

Deno.test("corpusReport() counts what the documents are", () => {
  const count = 500;
  const report = corpusReport(DEFAULT_CORPUS, { seed: 5, documents: count });
  const all = Array.from({ length: count }, (_, index) => corpusDocument(DEFAULT_CORPUS, { seed: 5, index }));
  assertEquals(report.overall.accuracy, all.filter((document) => document.correct).length / count);
  const sloppy = all.filter((document) => document.writer === "sloppy");
  assertEquals(report.writers.sloppy.documents, sloppy.length);
  assertEquals(
    report.writers.sloppy.accuracy,
    sloppy.filter((document) => document.correct).length / sloppy.length,
  );
  const let_ = all.filter((document) => document.answer.startsWith("Let "));
  assertEquals(report.openers["Let"]?.documents, let_.length);
  assertEquals(
    report.openers["Let"]?.writers.careful,
    let_.filter((document) => document.writer === "careful").length / let_.length,
  );
  assertAlmostEquals(
    report.answerCharacters,
    all.reduce((sum, { answer }) => sum + answer.length, 0) / count,
    1e-9,
  );
  const shares = (groups: { readonly [name: string]: CorpusGroup }) =>
    Object.values(groups).reduce((sum, group) => sum + group.share, 0);
  const named = Object.values(report.named).reduce((sum, group) => sum + group.share, 0);
  assertAlmostEquals(named, all.filter(({ system }) => system.includes("Writer: ")).length / count, 1e-9);
  for (const groups of [report.writers, report.families, report.openers]) {
    assertAlmostEquals(shares(groups), 1, 1e-9);
  }
});

Deno.test("corpusReport() has null where nothing was counted", () => {
  const config = { ...DEFAULT_CORPUS, writers: { ...DEFAULT_CORPUS.writers, terse: 0 } };
  const { writers } = corpusReport(config, { seed: 0, documents: 50 });
  assertEquals(writers.terse, { documents: 0, share: 0, accuracy: null, slipRate: null });
});

Deno.test("corpusReport() of the default mixture meets what the zoo needs of its text", () => {
  const report = corpusReport(DEFAULT_CORPUS, { seed: 0, documents: 6000 });
  between(report.overall.accuracy, [0.3, 0.52], "overall accuracy");
  between(report.writers.careful.accuracy, [0.9, 1], "accuracy of the careful writer");
  between(report.openers["To"]?.accuracy, [0.55, 0.7], "accuracy after To");
  between(report.named.careful.accuracy, [0.95, 1], "accuracy of the careful writer by name");
  between(report.named.sloppy.accuracy, [0.15, 0.4], "accuracy of the sloppy writer by name");
  // No opener of the step writers tells the writer.
  for (const opener of ["To", "Let", "First"]) {
    between(report.openers[opener]?.writers.careful, [0.15, 0.65], `careful share after ${opener}`);
    between(report.openers[opener]?.writers.sloppy, [0.3, 0.8], `sloppy share after ${opener}`);
  }
});

Deno.test("corpusReport() refuses to report on no documents", () => {
  assertThrows(
    () => corpusReport(DEFAULT_CORPUS, { seed: 0, documents: 0 }),
    RangeError,
    "current value is 0",
  );
});
