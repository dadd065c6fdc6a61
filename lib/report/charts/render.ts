import fontPackage from "dejavu-fonts-ttf/package.json" with { type: "json" };
import type * as vega from "vega";
import type { TopLevelSpec } from "vega-lite";
import { InputError } from "../../core/mod.ts";
import { readFontMetrics } from "./_font_metrics.ts";
import { MONO_FONT } from "./figure_style.ts";
import type { VegaLiteSpec } from "./vega_lite.ts";

/** Vega's level at which warnings are told. */
const WARN = 2;

/** Throws on the compiler's warnings: a figure that says something else than was meant is an error. */
class StrictLogger implements vega.LoggerInterface {
  level(): number;
  level(_level: number): this;
  level(level?: number): number | this {
    return level === undefined ? WARN : this;
  }
  error(...parts: readonly unknown[]): this {
    throw new TypeError(`Cannot draw a figure as its specification must compile: ${parts.join(" ")}`);
  }
  warn(...parts: readonly unknown[]): this {
    throw new TypeError(
      `Cannot draw a figure as its specification must compile without warning: ${parts.join(" ")}`,
    );
  }
  info(): this {
    return this;
  }
  debug(): this {
    return this;
  }
}

/** Version of the font that figures are measured and drawn with. */
export const FONT_VERSION: string = fontPackage.version;

interface Fonts {
  readonly regular: Uint8Array;
  readonly bold: Uint8Array;
  readonly mono: Uint8Array;
}

async function readPackageFile(specifier: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(new URL(import.meta.resolve(specifier)));
  } catch (cause) {
    const repair = "run `deno install` and allow reading";
    throw new InputError("cannot read a file of the renderer", { where: specifier, repair, cause });
  }
}

async function loadFonts(): Promise<Fonts> {
  const [regular, bold, mono] = await Promise.all([
    readPackageFile("dejavu-fonts-ttf/ttf/DejaVuSans.ttf"),
    readPackageFile("dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf"),
    readPackageFile("dejavu-fonts-ttf/ttf/DejaVuSansMono.ttf"),
  ]);
  return { regular, bold, mono };
}

let fonts: Promise<Fonts> | undefined;

/** Brings Vega, which most programs never need, and makes it measure text with the fonts: it would guess widths. */
async function loadVega() {
  const [vega, { compile }, { regular, bold, mono }] = await Promise.all([
    import("vega"),
    import("vega-lite"),
    fonts ??= loadFonts(),
  ]);
  const widths = {
    regular: readFontMetrics(regular),
    bold: readFontMetrics(bold),
    mono: readFontMetrics(mono),
  };
  // Vega looks this property up on each measurement and supports its replacement, but does not declare its type.
  const { textMetrics } = vega as unknown as {
    textMetrics: {
      width: (
        item: { font?: string; fontSize?: number; fontWeight?: string | number },
        text: unknown,
      ) => number;
    };
  };
  textMetrics.width = (item, text) => {
    const heavy = item.fontWeight === "bold" || Number(item.fontWeight) >= 600;
    const width = item.font === MONO_FONT ? widths.mono : heavy ? widths.bold : widths.regular;
    return width(String(text ?? "").trim()) * (item.fontSize ?? 11);
  };
  return { vega, compile };
}

let drawing: ReturnType<typeof loadVega> | undefined;

/**
 * Draws a specification as SVG. Equal specifications give equal text on every machine: text is measured with the font
 * that comes with the renderer. Needs permission to read the package cache.
 *
 * @throws TypeError when the specification does not compile or the compiler warns; InputError when the font cannot be
 * read.
 *
 * @example
 * ```ts
 * import { figureSpec, renderSvg } from "../mod.ts";
 * const encoding = { x: { field: "a", type: "quantitative" } };
 * const spec = figureSpec([{ data: { values: [{ a: 1 }] }, mark: "point", encoding }], { title: "A point" });
 * const svg = await renderSvg(spec);
 * if (!svg.startsWith("<svg") || !svg.includes("A point")) throw new Error("an SVG with the title expected");
 * ```
 */
export async function renderSvg(spec: VegaLiteSpec): Promise<string> {
  const { vega, compile } = await (drawing ??= loadVega());
  // A copy, as Vega marks the rows it is given.
  const program =
    compile(structuredClone(spec) as unknown as TopLevelSpec, { logger: new StrictLogger() }).spec;
  const view = new vega.View(vega.parse(program), { renderer: "none", logger: new StrictLogger() });
  // Ids of clip paths count up within a process; from zero, a figure does not depend on what was drawn before.
  vega.resetSVGDefIds();
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}

async function loadRenderer() {
  const { initWasm, Resvg } = await import("@resvg/resvg-wasm");
  await initWasm(await readPackageFile("@resvg/resvg-wasm/index_bg.wasm"));
  return Resvg;
}

let renderer: ReturnType<typeof loadRenderer> | undefined;

/**
 * Draws an SVG as PNG, `scale` pixels per SVG pixel. The renderer is WebAssembly and brings its font, so that the
 * bytes are the same on every machine. Needs permission to read the package cache.
 *
 * @throws RangeError for a scale outside (0, 8]; InputError when the renderer's files cannot be read.
 *
 * @example
 * ```ts
 * import { renderPng } from "../mod.ts";
 * const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="5"><rect width="10" height="5"/></svg>';
 * const png = await renderPng(svg, { scale: 2 });
 * if (new DataView(png.buffer, png.byteOffset).getUint32(16) !== 20) throw new Error("20 pixels wide expected");
 * ```
 */
export async function renderPng(svg: string, options: { readonly scale?: number } = {}): Promise<Uint8Array> {
  const { scale = 2 } = options;
  if (!(scale > 0 && scale <= 8)) {
    throw new RangeError(`Cannot draw a PNG as scale must lie in (0, 8]: current value is ${scale}`);
  }
  const Resvg = await (renderer ??= loadRenderer());
  const { regular, bold, mono } = await (fonts ??= loadFonts());
  const picture = new Resvg(svg, {
    font: {
      fontBuffers: [regular, bold, mono],
      defaultFontFamily: "DejaVu Sans",
      sansSerifFamily: "DejaVu Sans",
    },
    fitTo: { mode: "zoom", value: scale },
    background: "white",
  });
  const image = picture.render();
  const png = image.asPng();
  image.free();
  picture.free();
  return png;
}
