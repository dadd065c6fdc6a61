import { titled } from "./_panel_parts.ts";
import type { Json } from "../../core/mod.ts";
import { colourBar, type ColourScale, colourScale } from "./_colour_scale.ts";
import { drawable } from "./_drawable.ts";
import { FIGURE_COLOURS, FONT_SIZES, MONO_FONT } from "./figure_style.ts";
import type { Panel } from "./vega_lite.ts";

/** A text with a value per token. */
export interface TokenTextBlock {
  /** What stands over the text, say "Correct: What is 3 · 7?". */
  readonly heading: string;
  /** The tokens in order; null where a token has no value. */
  readonly tokens: readonly { readonly text: string; readonly value: number | null }[];
}

/** Texts whose tokens are coloured by a value. */
export interface TokenTextInput {
  /** The texts from top to bottom. */
  readonly blocks: readonly TokenTextBlock[];
  /** How values become colours; one scale for all texts. */
  readonly colours?: ColourScale;
  /** Title of the colour bar with its unit; a line break starts a second line. */
  readonly barTitle: string;
  /** Characters per line. @default {88} */
  readonly lineLength?: number;
  /** Lines of a text; what is left over is replaced by an ellipsis. @default {12} */
  readonly mostLines?: number;
  /** Title of the panel. */
  readonly title?: string;
}

/** Width of a character of the font with one width, in font sizes. */
const ADVANCE = 1233 / 2048;

const LINE_HEIGHT = 21;
const HEADING_HEIGHT = 24;
const BLOCK_GAP = 16;

/** A stretch of a token on one line, in characters and lines. */
interface TextPiece {
  /** The characters. */
  readonly text: string;
  /** Value of the token. */
  readonly value: number | null;
  /** Line, from zero. */
  readonly line: number;
  /** First column, from zero. */
  readonly column: number;
}

/** Column after a stretch. */
function endOf(piece: TextPiece | undefined): number {
  return piece === undefined ? 0 : piece.column + [...piece.text].length;
}

/** The stretches, the last without its last character when it reaches the margin: an ellipsis comes there. */
function cutLast(pieces: readonly TextPiece[], lineLength: number): readonly TextPiece[] {
  const last = pieces.at(-1);
  if (last === undefined || endOf(last) < lineLength) return pieces;
  return [...pieces.slice(0, -1), { ...last, text: [...last.text].slice(0, -1).join("") }];
}

/**
 * Sets tokens into lines: line breaks are shown by ↵ and followed; a token that would cross the margin goes to the next
 * line, one that is longer than a line is broken. Ends with … at the last line allowed.
 */
function setTokens(
  tokens: TokenTextBlock["tokens"],
  options: { readonly lineLength: number; readonly mostLines: number },
): readonly TextPiece[] {
  const { lineLength, mostLines } = options;
  const pieces: TextPiece[] = [];
  let line = 0, column = 0;
  for (const { text, value } of tokens) {
    for (const part of text.split(/(?<=\n)/)) {
      const breaks = part.endsWith("\n");
      let rest = [...drawable(breaks ? `${part.slice(0, -1)}↵` : part)];
      if (column > 0 && column + rest.length > lineLength && rest.length <= lineLength) {
        line++;
        column = 0;
      }
      while (rest.length > 0) {
        if (column >= lineLength) {
          line++;
          column = 0;
        }
        if (line >= mostLines) {
          return [...cutLast(pieces, lineLength), {
            text: "…",
            value: null,
            line: mostLines - 1,
            column: Math.min(lineLength - 1, endOf(pieces.at(-1))),
          }];
        }
        const here = rest.slice(0, lineLength - column);
        pieces.push({ text: here.join(""), value, line, column });
        column += here.length;
        rest = rest.slice(here.length);
      }
      if (breaks) {
        line++;
        column = 0;
      }
    }
  }
  return pieces;
}

/**
 * Texts whose tokens stand on the colour of their value, in a font of one width, so that places need no font to be read.
 * Spaces are coloured with their token; a line break is shown as ↵.
 *
 * Source: the content of the paper's Figure 8 (class: review).
 *
 * @throws RangeError when there is no text, no token has a value or one is not finite.
 *
 * @example
 * ```ts
 * import { figureSpec, tokenText } from "../mod.ts";
 * const tokens = [{ text: "So", value: 0 }, { text: " 12", value: 3.5 }, { text: "\n", value: null }];
 * const panel = tokenText({ blocks: [{ heading: "Correct", tokens }], barTitle: "Activation" });
 * if (!JSON.stringify(figureSpec([panel], { title: "Feature 17" })).includes("↵")) throw new Error("line break expected");
 * ```
 */
export function tokenText(input: TokenTextInput): Panel {
  const { blocks, barTitle, lineLength = 88, mostLines = 12, title } = input;
  if (!(Number.isInteger(lineLength) && lineLength >= 2 && Number.isInteger(mostLines) && mostLines >= 1)) {
    throw new RangeError(
      `Cannot set a text as it needs lines of 2 or more characters: current are ${mostLines} of ${lineLength}`,
    );
  }
  const size = FONT_SIZES.axis, step = size * ADVANCE;
  const scale = colourScale(
    blocks.flatMap(({ tokens }) => tokens.flatMap(({ value }) => value === null ? [] : [value])),
    input.colours,
  );
  const headings: Json[] = [], boxes: Json[] = [], texts: Json[] = [];
  const round = (pixels: number) => Math.round(pixels * 100) / 100;
  let top = 0;
  for (const { heading, tokens } of blocks) {
    headings.push({ text: drawable(heading), y: top + 14 });
    top += HEADING_HEIGHT;
    const pieces = setTokens(tokens, { lineLength, mostLines });
    for (const { text, value, line, column } of pieces) {
      const y = top + line * LINE_HEIGHT, length = [...text].length;
      if (value !== null) {
        boxes.push({
          value,
          left: round(column * step),
          right: round((column + length) * step),
          top: y + 1,
          bottom: y + LINE_HEIGHT - 1,
        });
      }
      // Spaces at the ends have no ink, and a drawing may drop them: the text begins at its first visible character.
      const visible = text.trim(), before = [...text].length - [...text.trimStart()].length;
      if (visible !== "") {
        texts.push({
          // A drawing joins several spaces into one unless they are of the kind that does not break.
          text: visible.replaceAll(" ", "\u00a0"),
          x: round((column + before) * step),
          y: y + LINE_HEIGHT / 2,
        });
      }
    }
    top += LINE_HEIGHT * ((pieces.at(-1)?.line ?? 0) + 1) + BLOCK_GAP;
  }
  const height = Math.max(top - BLOCK_GAP, 110);
  const pixels = (field: string) => ({ field, type: "quantitative", scale: null, axis: null });
  return {
    ...titled(title, { drawnAbove: 0 }),
    width: Math.ceil(lineLength * step),
    height,
    layer: [
      {
        data: { values: boxes },
        mark: { type: "rect", stroke: "#DDDDDD", strokeWidth: 0.5 },
        encoding: {
          x: pixels("left"),
          x2: { field: "right" },
          y: pixels("top"),
          y2: { field: "bottom" },
          color: {
            field: "value",
            type: "quantitative",
            scale,
            legend: colourBar(barTitle, { height: Math.min(height, 200) }),
          },
        },
      },
      {
        data: { values: headings },
        mark: {
          type: "text",
          align: "left",
          baseline: "alphabetic",
          fontSize: FONT_SIZES.mark,
          fontWeight: "bold",
          color: FIGURE_COLOURS.ink,
        },
        encoding: { x: { value: 0 }, y: pixels("y"), text: { field: "text", type: "nominal" } },
      },
      {
        data: { values: texts },
        mark: {
          type: "text",
          align: "left",
          baseline: "middle",
          font: MONO_FONT,
          fontSize: size,
          color: FIGURE_COLOURS.ink,
        },
        encoding: { x: pixels("x"), y: pixels("y"), text: { field: "text", type: "nominal" } },
      },
    ],
  };
}
