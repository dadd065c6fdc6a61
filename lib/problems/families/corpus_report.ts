import type { CorpusConfig, WriterName } from "./corpus_config.ts";
import { WRITERS } from "./corpus_config.ts";
import { type TracedDocument, tracedDocument } from "./corpus_document.ts";
import { FAMILIES, type FamilyName } from "../problem.ts";

/** Counts over one group of documents. Shares and accuracies are in [0, 1]; null where nothing was counted. */
export interface CorpusGroup {
  /** How many documents. */
  readonly documents: number;
  /** Of all documents. */
  readonly share: number;
  /** Share of its documents whose boxed answer is right. */
  readonly accuracy: number | null;
  /** Slips per written step. */
  readonly slipRate: number | null;
}

/** What a mixture comes to, measured on its own text: for choosing a mixture without training. */
export interface CorpusReport {
  /** How many documents were read. */
  readonly documents: number;
  /** All of them. */
  readonly overall: CorpusGroup;
  /** By the writer at the start. */
  readonly writers: { readonly [W in WriterName]: CorpusGroup };
  /** By the writer that the system prompt names. */
  readonly named: { readonly [W in WriterName]: CorpusGroup };
  /** By problem family. */
  readonly families: { readonly [F in FamilyName]: CorpusGroup };
  /** By opener, with the share of each writer among its documents. */
  readonly openers: {
    readonly [opener: string]: CorpusGroup & { readonly writers: { readonly [W in WriterName]: number } };
  };
  /** Share of documents in which the writer changed. */
  readonly switched: number;
  /** Mean characters of a question. */
  readonly questionCharacters: number;
  /** Mean characters of an answer. */
  readonly answerCharacters: number;
}

function group(documents: readonly TracedDocument[], total: number): CorpusGroup {
  const sum = (value: (document: TracedDocument) => number) =>
    documents.reduce((so, document) => so + value(document), 0);
  const steps = sum((document) => document.steps);
  return {
    documents: documents.length,
    share: documents.length / total,
    accuracy: documents.length === 0 ? null : sum((document) => document.correct ? 1 : 0) / documents.length,
    slipRate: steps === 0 ? null : sum((document) => document.slips) / steps,
  };
}

function byName<K extends string, T>(names: readonly K[], value: (name: K) => T): { readonly [N in K]: T } {
  return Object.fromEntries(names.map((name) => [name, value(name)])) as { readonly [N in K]: T };
}

/**
 * Measures a mixture on its first `documents` documents.
 *
 * @example
 * ```ts
 * import { corpusReport, DEFAULT_CORPUS } from "@small-vectors/steering/grader";
 * const report = corpusReport(DEFAULT_CORPUS, { seed: 0, documents: 200 });
 * if (report.writers.rambling.accuracy !== 0) throw new Error("ramblers never box");
 * ```
 */
export function corpusReport(
  config: CorpusConfig,
  options: { readonly seed: number; readonly documents: number },
): CorpusReport {
  const total = options.documents;
  if (!Number.isInteger(total) || total < 1) {
    throw new RangeError(`Cannot report as documents must be a positive integer: current value is ${total}`);
  }
  const documents = Array.from(
    { length: total },
    (_, index) => tracedDocument(config, { seed: options.seed, index }),
  );
  const of = (keep: (document: TracedDocument) => boolean) => group(documents.filter(keep), total);
  const openers = [...new Set(documents.map((document) => document.opener))].sort();
  const characters = (value: (document: TracedDocument) => string) =>
    documents.reduce((sum, document) => sum + value(document).length, 0) / total;
  return {
    documents: total,
    overall: of(() => true),
    writers: byName(WRITERS, (writer) => of((document) => document.writer === writer)),
    named: byName(WRITERS, (writer) => of((document) => document.named && document.writer === writer)),
    families: byName(FAMILIES, (family) => of((document) => document.problem.family === family)),
    openers: Object.fromEntries(openers.map((opener) => {
      const counts = of((document) => document.opener === opener);
      const writers = byName(
        WRITERS,
        (writer) => of((d) => d.opener === opener && d.writer === writer).documents / counts.documents,
      );
      return [opener, { ...counts, writers }];
    })),
    switched: of((document) => document.switches > 0).share,
    questionCharacters: characters((document) => document.problem.question),
    answerCharacters: characters((document) => document.answer),
  };
}
