/** What may stand before an answer. */
export const LEAD = /(?:^|\s)(?:is|are|equals|about|approximately|approx|roughly)\s*:?$/i;

/** What says of which kind the names of an answer are. */
export const CONDITION = /^,?\s*(?:where|such that|for (?:all|any|every|some))\b/i;

/** Words for the empty set. */
export const EMPTY_WORDS = /^(?:the )?empty set$|^no (?:real )?solutions?$/;

/** Words for all real numbers. */
export const REAL_WORDS = /^(?:all |the )*(?:reals|real numbers)$/;

/** Words short enough to be taken for products of their letters. */
export const SHORT_WORDS = /^(?:yes|no|odd|all|any|one|two|six|ten|red|none|true|even)$/i;

/** Bases in words. */
export const NUMBER_WORDS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    "two three four five six seven eight nine ten eleven twelve".split(" ").map((
      word,
      at,
    ) => [word, `${at + 2}`]),
  ),
  sixteen: "16",
};

/** Text as words alone: no case, no brackets around one letter, no mark at the end. */
export function wordsOf(text: string): string {
  const inside = text.replace(/\\(?:text|mathrm)(?![A-Za-z])/g, "").replace(/[{}$\\~]/g, " ").replace(
    /\s+/g,
    " ",
  )
    .trim().replace(/[.,;:!]+$/, "");
  return inside.replace(/^\(\s*([A-Za-z])\s*\)$/, "$1").toLowerCase();
}
