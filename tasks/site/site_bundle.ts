import { InputError, sha256 } from "../../lib/core/mod.ts";
import { projectPath } from "../command/user_folder.ts";

/** A file of the site, by its path there. */
export type SiteFiles = Map<string, string | Uint8Array<ArrayBuffer>>;

/** Scripts that run in the pages, by the names of their entries. */
const ENTRIES = ["study", "figures", "samples", "explorer", "worker"] as const;

/** Bundled scripts by entry. */
export type SiteScripts = Readonly<Record<typeof ENTRIES[number], string>>;

/** What of a bundle is looked at. */
interface Bundled {
  readonly success: boolean;
  readonly errors: readonly { readonly text: string }[];
  readonly outputFiles?: readonly { readonly path: string; text(): string }[];
}

/**
 * A script for a page from a module of the project, as one file. ONNX Runtime stays outside: the page's import map says
 * where it lies; nor is the client of the model hub part of a page.
 */
export async function pageScript(module: string): Promise<string> {
  const bundle = (Deno as unknown as { bundle(options: unknown): Promise<Bundled> }).bundle;
  const { success, errors, outputFiles } = await bundle({
    entrypoints: [projectPath(module)],
    platform: "browser",
    format: "esm",
    minify: true,
    external: ["onnxruntime-node", "@huggingface/hub"],
    outputDir: projectPath("site"),
    write: false,
  });
  const [file] = outputFiles ?? [];
  if (success && file !== undefined) return file.text();
  throw new Error(`Cannot bundle ${module}: ${errors.map(({ text }) => text).join("; ")}`);
}

/** The scripts of the site's pages. */
export async function siteScripts(): Promise<SiteScripts> {
  const scripts = ENTRIES.map(async (name) => [name, await pageScript(`site/${name}.ts`)] as const);
  return Object.fromEntries(await Promise.all(scripts)) as SiteScripts;
}

/** A name that changes with the content, so that a copy kept by a browser is never an old one. */
export function hashedName(name: string, content: string | Uint8Array): string {
  return name.replace(/(\.\w+)?$/, (ending) => `-${sha256(content).slice(0, 10)}${ending}`);
}

/** The bytes of a file of the user's. */
export async function fileBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    throw new InputError("cannot read the file", { where: path, repair: "check the path", cause });
  }
}
