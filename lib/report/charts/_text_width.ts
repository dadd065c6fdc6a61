/** Advances of the characters from space to ~ in DejaVu Sans 2.37, in units of which the font size has 2048. */
const ADVANCES: readonly number[] = [
  ...[651, 821, 942, 1716, 1303, 1946, 1597, 563, 799, 799, 1024, 1716, 651, 739, 651, 690, 1303, 1303, 1303],
  ...[
    1303,
    1303,
    1303,
    1303,
    1303,
    1303,
    1303,
    690,
    690,
    1716,
    1716,
    1716,
    1087,
    2048,
    1401,
    1405,
    1430,
    1577,
  ],
  ...[
    1294,
    1178,
    1587,
    1540,
    604,
    604,
    1343,
    1141,
    1767,
    1532,
    1612,
    1235,
    1612,
    1423,
    1300,
    1251,
    1499,
    1401,
  ],
  ...[2025, 1403, 1251, 1403, 799, 690, 799, 1716, 1024, 1024, 1255, 1300, 1126, 1300, 1260, 721, 1300, 1298],
  ...[569, 569, 1186, 569, 1995, 1298, 1253, 1300, 1300, 842, 1067, 803, 1298, 1212, 1675, 1212, 1212, 1075],
  ...[1303, 690, 1303, 1716],
];

/** What a character outside the list is taken to be wide: more than most Cyrillic letters, about a mathematical sign. */
const OTHER_ADVANCE = 1716;

/** How much wider bold words are. */
const BOLD_FACTOR = 1.13;

/**
 * Width of a text in the font of the figures, in pixels, for layouts that are made before the font is read: exact for
 * ASCII in the regular weight, an upper estimate for most others.
 */
export function textWidth(
  text: string,
  options: { readonly size: number; readonly weight?: "normal" | "bold" },
): number {
  let units = 0;
  for (const character of text) units += ADVANCES[(character.codePointAt(0) as number) - 32] ?? OTHER_ADVANCE;
  return units / 2048 * options.size * (options.weight === "bold" ? BOLD_FACTOR : 1);
}
