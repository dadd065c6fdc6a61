import { openCheckpoint } from "../../lib/checkpoint/mod.ts";
import { InputError, sha256 } from "../../lib/core/mod.ts";
import { WEB_RUNTIME, webRuntimeFiles } from "../../lib/runtime/mod.ts";
import { type ExplorerManifest, explorerPage } from "../../site/mod.ts";
import { exists } from "../command/output_place.ts";
import { modelPlace, namedPath, type OpenProfile } from "../study/profile.ts";
import { fileBytes, hashedName, type SiteFiles, type SiteScripts } from "./site_bundle.ts";

/** Largest model that a page is given: its weights are held there several times over. */
const MOST_BYTES = 64e6;

/** Files of a model's folder that the page needs, as far as they are there. */
const MODEL_FILES = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "model.safetensors",
];

/** The explorer's page and all that it loads; a profile whose model is no page's gets a page that says so. */
export async function addExplorer(
  profile: OpenProfile,
  options: { readonly fixtures: string; readonly files: SiteFiles; readonly scripts: SiteScripts },
): Promise<void> {
  const { fixtures, files, scripts } = options, planned = profile.models.find(({ role }) => role === "a");
  const missing = (why: string) =>
    void files.set(
      "explorer.html",
      explorerPage({ missing: `${why} The profile “embedded” has one: deno task site` }),
    );
  if (planned === undefined) return missing("This profile has no model to steer.");
  const place = modelPlace(profile, planned), vectors = `${profile.root}/${profile.vectors}/${planned.name}`;
  const weights = `${place}/model.safetensors`;
  if (!await exists(weights)) return missing("The profile's model is not there in one file.");
  const { size } = await Deno.stat(weights);
  if (size > MOST_BYTES || profile.template !== "embedded") {
    return missing(
      `The profile's model of ${
        Math.round(size / 1e6)
      } MB is too large for a page, or is asked in another way.`,
    );
  }
  const { config } = await openCheckpoint(place);
  const modelFiles = new Map<string, Uint8Array<ArrayBuffer>>(),
    runFiles = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const name of MODEL_FILES) {
    if (await exists(`${place}/${name}`)) modelFiles.set(name, await fileBytes(`${place}/${name}`));
  }
  const runs: ExplorerManifest["runs"][number][] = [];
  for (const run of ["all", ...Array.from({ length: config.layers }, (_, layer) => `layer-${layer}`)]) {
    const file = `${run}.seed-0.safetensors`, path = `${vectors}/${file}`;
    if (!await exists(path)) continue;
    runFiles.set(file, await fileBytes(path));
    runs.push({ run, file, path: namedPath(path, { fixtures }) });
  }
  if (runs.length === 0) {
    throw new InputError("no vectors to steer by", { where: vectors, repair: "deno task zoo" });
  }
  /** Puts files into a folder that is named by their content. */
  const put = (name: string, content: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): string => {
    const folder = hashedName(name, [...content.values()].map(sha256).join());
    for (const [file, bytes] of content) files.set(`${folder}/${file}`, bytes);
    return folder;
  };
  const sum = (content: ReadonlyMap<string, Uint8Array>) =>
    [...content.values()].reduce((sum, { length }) => sum + length, 0);
  const runtimeFiles = await webRuntimeFiles(), runtime = put("runtime", runtimeFiles);
  const manifest: ExplorerManifest = {
    title: planned.title,
    folder: put("model", modelFiles),
    files: [...modelFiles.keys()],
    vectors: put("vectors", runFiles),
    runtime: `${runtime}/${WEB_RUNTIME.binary}`,
    bytes: sum(modelFiles) + sum(runFiles) + (runtimeFiles.get(WEB_RUNTIME.binary)?.length ?? 0),
    path: namedPath(place, { fixtures }),
    runs,
    opener: planned.opener,
  };
  const script = hashedName("explorer.js", scripts.explorer);
  files.set(script, scripts.explorer);
  files.set(
    "explorer.html",
    explorerPage({
      manifest,
      heads: { query: config.heads, key: config.kvHeads },
      routed: config.layers - 2,
      script,
      runtime: `${runtime}/${WEB_RUNTIME.module}`,
    }),
  );
  const kept = [script, ...[...files.keys()].filter((name) => /^(runtime|model|vectors)-/.test(name))];
  const worker = { name: hashedName("explorer", kept.join()), files: kept };
  files.set("worker.js", `self.KEPT = ${JSON.stringify(worker)};\n${scripts.worker}`);
}
