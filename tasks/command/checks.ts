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

/** A list of numbers. */
export const NUMBERS: z.ZodType = z.array(z.string()).refine(
  (list) => list.every((text) => text.trim() !== "" && Number.isFinite(Number(text))),
  "must be numbers",
);

/** A list of numbers above 0. */
export const POSITIVE_NUMBERS: z.ZodType = z.array(z.string()).refine(
  (list) => list.every((text) => Number.isFinite(Number(text)) && Number(text) > 0),
  "must be numbers above 0",
);

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/** Bytes that a text means, `4GB`, `1.5 GiB` or `4000000000`; null where it means none. */
export function bytesOf(text: string): number | null {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const factor = UNITS[unit?.toUpperCase() ?? ""];
  const bytes = Number(amount) * (factor ?? NaN);
  return bytes > 0 && Number.isFinite(bytes) ? Math.floor(bytes) : null;
}

/** An amount of memory in words. */
export const MEMORY: z.ZodType = z.string().refine(
  (text) => bytesOf(text) !== null,
  "must be an amount of memory, as 4GB, 1.5GiB or 800MB",
);

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, min: 60_000, s: 1000 };

/** Milliseconds that a text means, `3h`, `45min`, `1h30min` or `20s`; null where it means none. */
export function durationOf(text: string): number | null {
  if (!/^(\d+(\.\d+)?h)?(\d+(\.\d+)?min)?(\d+(\.\d+)?s)?$/.test(text)) return null;
  const parts = [...text.matchAll(/([\d.]+)(h|min|s)/g)];
  const ms = parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (UNIT_MS[unit as string] as number),
    0,
  );
  return ms > 0 ? Math.round(ms) : null;
}

/** A length of time in words. */
export const DURATION: z.ZodType = z.string().refine(
  (text) => durationOf(text) !== null,
  "must be a length of time, as 3h, 45min or 1h30min",
);
