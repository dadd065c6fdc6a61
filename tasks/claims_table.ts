import { writeFileAtomic } from "../lib/checkpoint/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import { claimItems, claimRows, type Metrics, parseMetrics } from "../lib/report/mod.ts";
import { replaceSections } from "./study/card_sections.ts";
import { defineCommand, main } from "./command/command.ts";
import { EXIT_CODES } from "./command/fault.ts";
import { markdownTable } from "./command/markdown_table.ts";
import { checkWritable } from "./command/output_place.ts";
import { openProfile, PROFILE_FLAG } from "./study/profile.ts";
import { durationText } from "./command/progress.ts";
import { parseRun } from "./training/run_file.ts";
import { projectPath } from "./command/user_folder.ts";

async function readText(path: string, repair = "deno task reproduce all"): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new InputError("no such file", { where: path, repair, cause });
  }
}

/** How long an item took, from its run.json; a run that found every measurement says so. */
async function timeOf(folder: string): Promise<string> {
  const path = `${folder}/run.json`, text = await readText(path);
  const { seconds, measurements: { made } } = parseRun(text, path);
  return `${durationText(1000 * seconds)}${made === 0 ? " (kept)" : ""}`;
}

async function timesOf({ claims, values }: Metrics, out: string): Promise<Readonly<Record<string, string>>> {
  const items = new Set(claims.flatMap(({ claim }) => claimItems(values, claim)));
  const notBuilt = (item: string) =>
    values.some(({ name, note }) => note === "not built" && name.endsWith(`.${item}.training`));
  const times: [string, string][] = [];
  for (const item of items) {
    if (!notBuilt(item)) times.push([item, await timeOf(`${out}/${item}`)]);
  }
  return Object.fromEntries(times);
}

/** Lines of a table without its last column and padding: the time, which differs from run to run. */
function timeless(text: string): string {
  return text.split("\n").map((line) =>
    line.startsWith("|")
      ? line.split(" | ").slice(0, -1).map((cell) => cell.replace(/^[-:\s|]+$/, "").trim()).join("|")
      : line
  ).join("\n");
}

/** Rewrites the table of claims of a document. */
export const claimsTable = defineCommand({
  name: "claims-table",
  summary: "Rewrites the table of claims between the marks <!-- claims --> and <!-- /claims -->.",
  flags: {
    profile: PROFILE_FLAG,
    "out-dir": {
      kind: "string",
      default: "out",
      metavar: "DIR",
      help: "Where reproduce wrote its results: DIR/PROFILE/claims/metrics.json, DIR/PROFILE/ID/run.json",
    },
    document: {
      kind: "string",
      metavar: "FILE",
      help: "The document with the marks (default: the README.md of the project)",
    },
    check: {
      kind: "boolean",
      help: "Write nothing; exit 1 unless the table is up to date, whatever times it shows",
    },
  },
  examples: [
    [
      "deno task claims-table --out-dir out",
      "Bring the README's table up to date with the last reproduction",
    ],
    ["deno task claims-table --check", "Say whether it is"],
  ],
  async run({ flags, print }) {
    const { document = projectPath("README.md"), check, "out-dir": out } = flags;
    const { name } = await openProfile(flags.profile, { fixtures: projectPath("fixtures") });
    const results = `${out}/${name}`, text = await readText(document, "pass --document");
    if (!check) await checkWritable(document, { as: "file" });
    const path = `${results}/claims/metrics.json`;
    const metrics = parseMetrics(await readText(path), path);
    const rows = claimRows(metrics, { times: await timesOf(metrics, results) });
    const now = replaceSections(text, { claims: markdownTable(rows) }, { where: document });
    if (now === text || check && timeless(now) === timeless(text)) {
      print(`${document}: up to date`);
      return EXIT_CODES.done;
    }
    if (check) {
      print(`${document}: out of date, deno task claims-table rewrites it`);
      return EXIT_CODES.outside;
    }
    await writeFileAtomic(document, now);
    print(`${document}: rewritten`);
    return EXIT_CODES.done;
  },
});

if (import.meta.main) await main(claimsTable);
