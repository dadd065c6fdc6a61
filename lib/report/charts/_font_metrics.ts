/** Width of a text in units of the font size. */
type TextWidth = (text: string) => number;

/**
 * Reads the advance widths of a TrueType font: table `cmap` (format 4: characters of the basic plane → glyphs) and
 * table `hmtx` (glyph → advance). Kerning is left out. Characters without glyph get the width of glyph 0, the box
 * that a renderer draws for them.
 *
 * Source: OpenType specification, chapters cmap, head, hhea, hmtx.
 */
export function readFontMetrics(font: Uint8Array): TextWidth {
  const view = new DataView(font.buffer, font.byteOffset, font.byteLength);
  const tables = new Map<string, number>();
  for (let entry = 0; entry < view.getUint16(4); entry++) {
    const at = 12 + 16 * entry;
    tables.set(String.fromCharCode(...font.subarray(at, at + 4)), view.getUint32(at + 8));
  }
  const table = (name: string): number => {
    const offset = tables.get(name);
    if (offset === undefined) {
      throw new RangeError(`Cannot measure text as the font must have a table "${name}"`);
    }
    return offset;
  };
  const unitsPerEm = view.getUint16(table("head") + 18);
  const advances = view.getUint16(table("hhea") + 34);
  const hmtx = table("hmtx");
  const segments = characterSegments(view, table("cmap"));
  const glyphOf = (character: number): number => {
    const segment = segments.find(({ end }) => end >= character);
    if (segment === undefined || segment.start > character) return 0;
    if (segment.glyphs === 0) return (character + segment.shift) & 0xffff;
    const glyph = view.getUint16(segment.glyphs + 2 * (character - segment.start));
    return glyph === 0 ? 0 : (glyph + segment.shift) & 0xffff;
  };
  const known = new Map<string, number>();
  const widthOf = (character: string): number => {
    let width = known.get(character);
    if (width === undefined) {
      // Glyphs after the last advance share it.
      const glyph = Math.min(glyphOf(character.codePointAt(0) as number), advances - 1);
      width = view.getUint16(hmtx + 4 * glyph) / unitsPerEm;
      known.set(character, width);
    }
    return width;
  };
  return (text) => [...text].reduce((sum, character) => sum + widthOf(character), 0);
}

/** Characters start … end map to glyphs by a shift, or through a list at offset `glyphs` when that is not 0. */
interface CharacterSegment {
  readonly start: number;
  readonly end: number;
  readonly shift: number;
  readonly glyphs: number;
}

function characterSegments(view: DataView, cmap: number): readonly CharacterSegment[] {
  for (let entry = 0; entry < view.getUint16(cmap + 2); entry++) {
    const at = cmap + view.getUint32(cmap + 4 + 8 * entry + 4);
    if (view.getUint16(at) !== 4) continue;
    const count = view.getUint16(at + 6) / 2;
    const ends = at + 14,
      starts = ends + 2 * count + 2,
      shifts = starts + 2 * count,
      ranges = shifts + 2 * count;
    return Array.from({ length: count }, (_, index) => {
      const range = view.getUint16(ranges + 2 * index);
      return {
        start: view.getUint16(starts + 2 * index),
        end: view.getUint16(ends + 2 * index),
        shift: view.getUint16(shifts + 2 * index),
        glyphs: range === 0 ? 0 : ranges + 2 * index + range,
      };
    });
  }
  throw new RangeError("Cannot measure text as the font must have a character table of format 4");
}
