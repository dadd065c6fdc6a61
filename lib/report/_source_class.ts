import { z } from "zod";
import type { SourceClass } from "./paper.ts";

/** How a fact of the paper is known, as files write it. */
export const SOURCE_CLASS: z.ZodType<SourceClass> = z.enum([
  "caption",
  "code",
  "review",
  "summary",
  "third-party",
  "inferred",
]);
