import { dirname } from "node:path";
import { ensureFolder, writeFileAtomic } from "../lib/checkpoint/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import { documentPage, samplesPage, studyPage } from "../site/mod.ts";
import { wholeNumber } from "./command/checks.ts";
import { defineCommand, main } from "./command/command.ts";
import { COMPUTE_FLAGS } from "./command/compute_flags.ts";
import { checkWritable, exists } from "./command/output_place.ts";
import { openProfile, PROFILE_FLAG } from "./study/profile.ts";
import { Progress } from "./command/progress.ts";
import { openModels, REPOSITORY } from "./study/reproduction_setting.ts";
import { type SampleViews, sampleViews } from "./samples/sample_views.ts";
import { fileBytes, type SiteFiles, siteScripts } from "./site/site_bundle.ts";
import { addExplorer } from "./site/site_explorer.ts";
import { serveFolder } from "./site/site_server.ts";
import { cardOf, studyOf } from "./site/site_study.ts";
import { projectPath } from "./command/user_folder.ts";

/** The samples files of a profile's results, those of the claims left out: they repeat the others'. */
async function samplesFiles(results: string): Promise<readonly string[]> {
  if (!await exists(results)) return [];
  const folders = (await Array.fromAsync(Deno.readDir(results))).map(({ name }) => name).sort();
  const paths = folders.filter((name) => name !== "claims").map((name) => `${results}/${name}/samples.jsonl`);
  const there = await Promise.all(paths.map(exists));
  return paths.filter((_, at) => there[at]);
}

/** The site of a study. */
export const site = defineCommand({
  name: "site",
  summary:
    "Writes the site of a study as static files: its claims, tables and figures, samples, and the steered model in the browser.",
  flags: {
    profile: PROFILE_FLAG,
    results: {
      kind: "string",
      default: "out",
      metavar: "DIR",
      help: "Where reproduce wrote its results: DIR/PROFILE/ID/",
    },
    out: {
      kind: "string",
      default: "out/site",
      metavar: "DIR",
      help: "The folder of the site; what is there is replaced file by file",
    },
    serve: { kind: "boolean", help: "Then show it on this machine until Ctrl-C" },
    port: {
      kind: "number",
      default: 8000,
      metavar: "N",
      check: wholeNumber(0),
      help: "Port for --serve; 0 takes a free one",
    },
    threads: COMPUTE_FLAGS.threads,
  },
  examples: [
    [
      "deno task site --serve",
      "After: deno task reproduce all --samples; shows the site on http://127.0.0.1:8000/",
    ],
    ["deno task site --profile smollm2 --out out/site-smollm2", "The site of a study on another model"],
  ],
  async run({ flags, signal, terminal, print }) {
    const { out, results, serve, port, threads } = flags, { fixtures } = REPOSITORY;
    await checkWritable(out, { as: "folder" });
    const profile = await openProfile(flags.profile, { fixtures }), folder = `${results}/${profile.name}`;
    if (serve && port > 65_535) throw new InputError("there is no such port", { where: `--port ${port}` });
    const files: SiteFiles = new Map([["style.css", await fileBytes(projectPath("site/style.css"))]]);
    const scripts = await siteScripts();
    for (const name of ["study", "figures", "samples"] as const) files.set(`${name}.js`, scripts[name]);
    const asked = profile.name === "embedded" ? "" : ` --profile ${flags.profile}`;
    const study = await studyOf(profile, { results: folder, files });
    files.set("index.html", studyPage(study)).set(
      "zoo.html",
      documentPage(await cardOf(profile), profile.name),
    );
    const kept = await samplesFiles(folder);
    let samples: SampleViews | null = null;
    if (kept.length > 0) {
      const models = await openModels(profile, { device: "cpu", threads });
      const progress = new Progress(terminal, { label: "reading samples", total: null, unit: "answers" });
      try {
        const onProgress = (done: number) => {
          progress.update(done);
          signal.throwIfAborted();
        };
        samples = await sampleViews(kept, {
          zoo: await models.open("a"),
          template: profile.template,
          onProgress,
        });
      } finally {
        progress.finish();
        await models.release();
      }
    }
    for (const [family, views] of samples?.byFamily ?? []) {
      files.set(`samples/${family}.json`, JSON.stringify(views));
    }
    files.set(
      "samples.html",
      samplesPage(samples?.index ?? null, `deno task reproduce fig1 --samples${asked}`),
    );
    await addExplorer(profile, { fixtures, files, scripts });
    for (const [path, content] of files) {
      await ensureFolder(dirname(`${out}/${path}`));
      await writeFileAtomic(`${out}/${path}`, content);
    }
    const made = study.items.filter(({ result }) => result !== null).length;
    print(`${out}/: ${files.size} files, ${made} of ${study.items.length} items reproduced`);
    if (made === 0) {
      terminal.error(`note: nothing is reproduced in ${folder}: deno task reproduce all${asked} --samples\n`);
    }
    if (!serve) return;
    const server = serveFolder(out, port);
    print(`${server.url} (Ctrl-C ends it)`);
    signal.addEventListener("abort", () => server.shutdown());
    await server.finished;
  },
});

if (import.meta.main) await main(site);
