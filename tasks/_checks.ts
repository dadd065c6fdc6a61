import { z } from "zod";

/** A whole number from `least` up. */
export function wholeNumber(least: number): z.ZodType {
  return z.int("must be a whole number").min(least, `must be at least ${least}`);
}

/** A number from 0 up. */
export const NOT_NEGATIVE: z.ZodType = z.number().min(0, "must not be negative");

/** A number above 0. */
export const POSITIVE: z.ZodType = z.number().positive("must be above 0");

/** A list of whole numbers from 0 up, none of them twice, or one of `words` by itself. */
export function wholeNumbers(words: readonly string[] = []): z.ZodType {
  return z.array(z.string())
    .refine(
      (list) =>
        list.every((text) => /^\d{1,9}$/.test(text)) ||
        (list.length === 1 && words.includes(list[0] as string)),
      ["must be whole numbers", ...words].join(" or "),
    )
    .refine((list) => new Set(list.map(Number)).size === list.length || words.includes(list[0] as string), {
      message: "one of them is given twice",
    });
}

/** A list of numbers above 0. */
export const POSITIVE_NUMBERS: z.ZodType = z.array(z.string()).refine(
  (list) => list.every((text) => Number.isFinite(Number(text)) && Number(text) > 0),
  "must be numbers above 0",
);
