import { z } from "zod";

/**
 * How a fact of the paper is known: the paper's abstract or a caption; the authors' code; conference reviewers of the
 * same text; a machine-written summary of its first version; another group's paper; our own deduction.
 */
export type SourceClass = "caption" | "code" | "review" | "summary" | "third-party" | "inferred";

/** How a fact of the paper is known, as files write it. */
export const SOURCE_CLASS: z.ZodType<SourceClass> = z.enum([
  "caption",
  "code",
  "review",
  "summary",
  "third-party",
  "inferred",
]);
