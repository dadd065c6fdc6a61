import { marked, type Token } from "marked";
import { InputError } from "../../lib/core/mod.ts";
import { claimRows, type Metrics, parseMetrics } from "../../lib/report/mod.ts";
import { REPRODUCTIONS } from "../../reproductions/mod.ts";
import type { Study, StudyItem } from "../../site/mod.ts";
import { exists } from "../command/output_place.ts";
import type { OpenProfile } from "../study/profile.ts";
import { durationText } from "../command/progress.ts";
import { parseRun } from "../training/run_file.ts";
import { fileBytes, type SiteFiles } from "./site_bundle.ts";
import { projectPath } from "../command/user_folder.ts";

/** A document of the project as markup. Its links lead to files that are no part of the site, so only those abroad stay. */
function markup(text: string): string {
  const tokens = marked.lexer(text.replaceAll(/<!--.*?-->/gs, ""));
  marked.walkTokens(tokens, (token: Token) => {
    if (token.type !== "link" || /^https?:/.test(token.href)) return;
    Object.assign(token, { type: "text", raw: token.text, tokens: token.tokens });
  });
  return marked.parser(tokens).replaceAll("<table>", '<div class="scroll" tabindex="0"><table>').replaceAll(
    "</table>",
    "</table></div>",
  );
}

/** The part of a document below a heading, without the headings after it. */
function sectionOf(text: string, heading: string): string {
  const [, after = ""] = text.split(`\n## ${heading}\n`);
  return after.split(/\n## /)[0] as string;
}

/** The module of an item, as a file of the repository: what `reproductions/mod.ts` imports it from. */
function moduleOf(id: string, imports: string): string {
  const name = id.replace(/^fig(\d)$/, "fig0$1").replaceAll(/-(\w)/g, (_, letter) => letter.toUpperCase());
  const [, file] =
    new RegExp(`import \\{[^}]*\\b${name}(?:Item)?\\b[^}]*\\} from "\\./(\\w+\\.ts)"`).exec(imports) ?? [];
  if (file === undefined) throw new Error(`reproductions/mod.ts imports no ${name}`);
  return `reproductions/${file}`;
}

/** Pixels of a drawing, from its own text. */
function sizeOf(svg: string, where: string): readonly [number, number] {
  const [, width, height] = /<svg[^>]*?\swidth="([\d.]+)"[^>]*?\sheight="([\d.]+)"/.exec(svg) ?? [];
  if (width !== undefined && height !== undefined) {
    return [Math.round(Number(width)), Math.round(Number(height))];
  }
  throw new InputError("the drawing says no size", { where, repair: "reproduce the item again" });
}

/** The results of a profile as the first page shows them; what the page loads later goes into `files`. */
export async function studyOf(
  profile: OpenProfile,
  options: { readonly results: string; readonly files: SiteFiles },
): Promise<Study> {
  const { results, files } = options, decoder = new TextDecoder(), items: StudyItem[] = [];
  const imports = decoder.decode(await fileBytes(projectPath("reproductions/mod.ts")));
  let claims: Metrics | null = null;
  for (const { id, title, itemClass, differences } of REPRODUCTIONS) {
    const folder = `${results}/${id}`,
      source = moduleOf(id, imports),
      module = `modules/${source.replace(/^.*\//, "")}.txt`;
    files.set(module, await fileBytes(projectPath(source)));
    const item = { id, title, itemClass, differences, module };
    if (!await exists(`${folder}/metrics.json`)) {
      items.push({ ...item, result: null });
      continue;
    }
    const read = async (name: string) => decoder.decode(await fileBytes(`${folder}/${name}`));
    const text = await read("metrics.json"), metrics = parseMetrics(text, `${folder}/metrics.json`);
    const run = parseRun(await read("run.json"), `${folder}/run.json`), svg = await read("figure.svg");
    files.set(`items/${id}/metrics.json`, text).set(`items/${id}/figure.svg`, svg);
    files.set(`items/${id}/spec.vl.json`, await read("spec.vl.json"));
    if (id === "claims") claims = metrics;
    const { command, machine, measurements, seconds } = run;
    items.push({
      ...item,
      result: {
        metrics,
        run: {
          command,
          time: durationText(1000 * seconds),
          kept: measurements.made === 0,
          machine: `${machine.cpu}, ${machine.system}`,
        },
        size: sizeOf(svg, `${folder}/figure.svg`),
      },
    });
  }
  return {
    profile: { name: profile.name, title: profile.title },
    items,
    claims: claims === null ? null : claimRows(claims, { times: {} }),
    tiers: markup(sectionOf(decoder.decode(await fileBytes(projectPath("README.md"))), "On which models")),
  };
}

/** The card of a profile's models as markup, or null where it has none. */
export async function cardOf(profile: OpenProfile): Promise<string | null> {
  const path = `${profile.root}/README.md`;
  return await exists(path) ? markup(new TextDecoder().decode(await fileBytes(path))) : null;
}
