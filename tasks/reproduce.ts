import os from "node:os";
import { InputError } from "../lib/core/mod.ts";
import {
  Laboratory,
  NotApplicable,
  reproduce as reproduceItem,
  type ReproduceOptions,
  type Reproduction,
  ResultStore,
  type RunFacts,
  SampleArchive,
} from "../lib/experiment/mod.ts";
import { formatNoticedChanges, type Metrics } from "../lib/report/mod.ts";
import { runtimeReport } from "../lib/runtime/mod.ts";
import { wholeNumber } from "./command/checks.ts";
import { type CommandInput, defineCommand, main } from "./command/command.ts";
import { COMPUTE_FLAGS } from "./command/compute_flags.ts";
import { EXIT_CODES } from "./command/fault.ts";
import { findingsLines } from "./study/findings_text.ts";
import { measurementProgress } from "./study/measurement_progress.ts";
import { checkWritable } from "./command/output_place.ts";
import { checkInputs, namedPath, openProfile, PROFILE_FLAG, profileProblems } from "./study/profile.ts";
import { durationText } from "./command/progress.ts";
import {
  evaluationPool,
  expectationsOf,
  expectedPath,
  MEASURING_FLAGS,
  openModels,
  paperItemOf,
  REPOSITORY,
  type ReproductionSetting,
} from "./study/reproduction_setting.ts";
import { chooseReproductions, ITEM_ARGUMENTS } from "./study/reproductions.ts";

const FLAGS = {
  profile: PROFILE_FLAG,
  model: {
    kind: "string",
    metavar: "DIR",
    help: "Use this folder or owner/name@revision in place of the model of role a",
  },
  vectors: {
    kind: "string",
    metavar: "DIR",
    help: "Use the vectors of this folder (RUN.seed-N.safetensors)",
  },
  device: COMPUTE_FLAGS.device,
  dtype: COMPUTE_FLAGS.dtype,
  out: { kind: "string", default: "out", metavar: "DIR", help: "Results go to DIR/PROFILE/ID/" },
  "as-published": {
    kind: "boolean",
    help:
      "Draw figures with the published code's faults, from runs as published, into DIR/PROFILE/ID.as-published/",
  },
  seed: {
    kind: "number",
    metavar: "N",
    check: wholeNumber(0),
    help:
      "First evaluation seed (default the profile's, of which expected values are; others have an interval)",
  },
  samples: {
    kind: "boolean",
    help:
      "Also write what models said to DIR/PROFILE/ID/samples.jsonl; kept evaluations are made again for it",
  },
  ...MEASURING_FLAGS,
} as const;

type Input = CommandInput<typeof FLAGS>;

/** A word as a shell would need it. */
function quoted(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function runFacts(
  { flags, terminal }: Pick<Input, "flags" | "terminal">,
  run: {
    readonly startedAt: string;
    readonly startMs: number;
    readonly store: ResultStore;
    readonly before: ResultStore["counts"];
  },
): RunFacts {
  const cores = os.cpus();
  return {
    startedAt: run.startedAt,
    seconds: Number(((terminal.now() - run.startMs) / 1000).toFixed(1)),
    command: `deno task reproduce ${terminal.args.map(quoted).join(" ")}`,
    measurements: {
      read: run.store.counts.read - run.before.read,
      made: run.store.counts.made - run.before.made,
    },
    versions: { deno: Deno.version.deno, onnxruntime: runtimeReport().version },
    machine: {
      system: `${Deno.build.os} ${Deno.build.arch}`,
      cpu: cores[0]?.model ?? "unknown",
      cores: cores.length,
      threads: flags.threads,
    },
  };
}

/** The item's metrics; of several items one that lacks something does not keep the others from being made. */
async function reproducedOrMissed(
  item: Reproduction,
  options: ReproduceOptions & { readonly only: boolean },
): Promise<Metrics | InputError> {
  try {
    return await reproduceItem(item, options);
  } catch (error) {
    if (error instanceof NotApplicable) return error;
    if (options.only || !(error instanceof InputError)) throw error;
    return error;
  }
}

/** The items asked for; as published, those of `all` in which a fault of the published code shows. */
function chosenItems(names: readonly string[], asPublished: boolean): readonly Reproduction[] {
  const items = chooseReproductions(names);
  if (!asPublished) return items;
  const faulty = chooseReproductions(["all"]).filter(({ publishedFault }) => publishedFault !== undefined);
  if (names.includes("all")) return faulty;
  const sound = items.find((item) => !faulty.includes(item));
  if (sound === undefined) return items;
  throw new InputError(`no known fault of the published code shows in ${sound.id}`, {
    where: "--as-published",
    repair: `leave the flag out, or ask for ${faulty.map(({ id }) => id).join(", ")}`,
  });
}

async function reproduceAll(setting: ReproductionSetting, input: Input): Promise<number> {
  const { flags, positionals, signal, terminal, print } = input;
  const items = chosenItems(positionals, flags["as-published"]);
  const profile = await openProfile(flags.profile, { ...setting, asPublished: flags["as-published"] }),
    { seed = profile.seeds[0] as number } = flags;
  const asPublished = flags["as-published"];
  const folderOf = (id: string): string =>
    `${flags.out}/${profile.name}/${id}${asPublished ? ".as-published" : ""}`;
  for (const { id } of items) await checkWritable(folderOf(id), { as: "folder" });
  // Expected values belong to the profile's models; anything else is measured unchecked.
  const shipped = flags.model === undefined && flags.vectors === undefined;
  if (shipped) await checkInputs(profile, (line) => terminal.error(`${line}\n`));
  const models = await openModels(profile, flags);
  const asked = await profileProblems(profile);
  const archive = flags.samples ? await SampleArchive.open(`${flags.out}/${profile.name}`) : null;
  const pool = evaluationPool(flags);
  const progress = measurementProgress(terminal, flags.quiet);
  // One store for all items: what several of them measure is measured once.
  const store = new ResultStore(flags["no-cache"] ? null : setting.store);
  // Items are parts of one laboratory: what follows from inputs alone is worked out once.
  const lab = new Laboratory({
    asked,
    size: profile.sizes[flags.size],
    seed,
    device: flags.device,
    dtype: models.dtype,
    store,
    ...(pool === null ? {} : { pool }),
    ...(archive === null ? {} : { archive }),
    report: progress.report,
    signal,
  });
  // Another number format rounds so much that answers part as they do from another seed.
  const usual = flags.device === "cpu" && models.dtype === "float32";
  const missed: string[] = [], made: Metrics[] = [];
  const { roles, open } = models;
  try {
    for (const item of items) {
      signal.throwIfAborted();
      const run = {
        startedAt: new Date().toISOString(),
        startMs: terminal.now(),
        store,
        before: store.counts,
      };
      const expected = shipped ? await expectationsOf(profile, { size: flags.size, id: item.id }) : null;
      const part = lab.part();
      const metrics = await reproducedOrMissed(item, {
        bench: { lab: part, roles, open, asPublished },
        expectations: expected?.checks ?? null,
        at: usual && seed === expected?.seed ? "recorded" : "other",
        source: profile.expected === "paper"
          ? `fixtures/paper/${item.id}.json`
          : namedPath(expectedPath(profile, { size: flags.size, id: item.id }), setting),
        paper: await paperItemOf(setting, item.id),
        profile: profile.name,
        paperModels: profile.expected === "paper",
        folder: folderOf(item.id),
        runFacts: () => runFacts(input, run),
        only: items.length === 1,
      });
      progress.finish();
      if (metrics instanceof NotApplicable) {
        print(`${item.id}: not applicable, ${metrics.what}`);
        continue;
      }
      if (metrics instanceof InputError) {
        terminal.error(`${item.id}: ${metrics.message}\n`);
        missed.push(item.id);
        continue;
      }
      const evaluations = await part.writeSamples(`${folderOf(item.id)}/samples.jsonl`);
      if (flags.samples && evaluations === 0) {
        terminal.error(`note: ${item.id} evaluates nothing, there is no samples.jsonl\n`);
      }
      for (const line of findingsLines(metrics)) print(line);
      print(`${folderOf(item.id)}/ (${durationText(terminal.now() - run.startMs)})`);
      made.push(metrics);
    }
  } finally {
    progress.finish();
    pool?.close();
    await archive?.close();
    await models.release();
  }
  if (made.length > 1 && made.some(({ checks }) => checks.length > 0)) print(formatNoticedChanges(made));
  const { counts } = store;
  const measured = `measurements: ${counts.earlier} of earlier runs read, ${counts.made} made`;
  if (missed.length > 0) {
    print(measured);
    throw new InputError(
      `${missed.length} of ${items.length} items could not be made: ${missed.join(", ")}`,
      {
        repair: "see the line of each above",
      },
    );
  }
  const failed = made.flatMap(({ checks }) => checks).filter(({ verdict }) => verdict === "fail").length;
  if (failed > 0) print(`${failed} ${failed === 1 ? "check" : "checks"} fell outside the tolerance`);
  print(measured);
  return failed === 0 ? EXIT_CODES.done : EXIT_CODES.outside;
}

/** The command on a setting of its own; tests give it small ones. */
export function reproduceCommand(setting: ReproductionSetting) {
  return defineCommand({
    name: "reproduce",
    summary: "Recomputes tables and figures of the paper and compares them with what is expected.",
    ...ITEM_ARGUMENTS,
    flags: FLAGS,
    examples: [
      ["deno task reproduce fig3", "What the last-layer vector boosts: out/embedded/fig3/"],
      ["deno task reproduce all", "Every table and figure"],
      [
        "deno task reproduce fig3 --profile smollm2",
        "The same figure on a real model, after: deno task real-model",
      ],
      ["deno task reproduce fig4 --as-published", "Figure 4 with the prompt's positions counted in"],
      ["deno task reproduce fig1 --no-cache", "Measure again, whatever earlier runs left"],
      [
        "deno task reproduce fig1 --samples",
        "Also what the models said: deno task samples out/embedded/fig1",
      ],
    ],
    run: (input) => reproduceAll(setting, input),
  });
}

/** Recomputes tables and figures and compares them with what is expected. */
export const reproduce = reproduceCommand(REPOSITORY);

if (import.meta.main) await main(reproduce);
