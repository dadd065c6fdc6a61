import { ensureFolder, writeFileAtomic } from "../lib/checkpoint/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import {
  Laboratory,
  metricKind,
  NotApplicable,
  type Reproduction,
  ResultStore,
  roundingOf,
  type StudySize,
} from "../lib/experiment/mod.ts";
import {
  alignedLines,
  comparedValues,
  type ExpectationFile,
  type RecordedRun,
  recordExpectations,
} from "../lib/report/mod.ts";
import { runtimeReport } from "../lib/runtime/mod.ts";
import { wholeNumbers } from "./command/checks.ts";
import { type CommandInput, defineCommand, main } from "./command/command.ts";
import { measurementProgress } from "./study/measurement_progress.ts";
import { checkWritable } from "./command/output_place.ts";
import {
  evaluationPool,
  expectedPath,
  MEASURING_FLAGS,
  type OpenModels,
  openModels,
  REPOSITORY,
  type ReproductionSetting,
} from "./study/reproduction_setting.ts";
import {
  type OpenProfile,
  openProfile,
  PROFILE_FLAG,
  profileProblems,
  USUAL_PROFILE,
} from "./study/profile.ts";
import { chooseReproductions, ITEM_ARGUMENTS } from "./study/reproductions.ts";

const FLAGS = {
  profile: PROFILE_FLAG,
  seeds: {
    kind: "list",
    metavar: "A,B,…",
    check: wholeNumbers(),
    help:
      "First evaluation seed of each run (default the profile's); values are those of the first, the others say how " +
      "far seeds lie apart",
  },
  ...MEASURING_FLAGS,
} as const;

type Input = CommandInput<typeof FLAGS>;

/** Seeds of runs must lie apart, or the runs would share their samples and seem to agree. */
function checkSeeds(seeds: readonly number[], perRun: number): void {
  if (seeds.length < 2) {
    throw new InputError("one run says nothing of the spread", {
      where: "--seeds",
      repair: "give two seeds or more",
    });
  }
  const sorted = [...seeds].sort((a, b) => a - b);
  const close = sorted.findIndex((seed, at) => at > 0 && seed - (sorted[at - 1] as number) < perRun);
  if (close < 0) return;
  throw new InputError(
    `runs from the seeds ${sorted[close - 1]} and ${sorted[close]} share evaluation seeds`,
    {
      where: "--seeds",
      repair: `a run takes ${perRun} seeds in a row: leave ${perRun} between them`,
    },
  );
}

function tableLines({ checks, seed }: ExpectationFile): readonly string[] {
  const number = (value: number | null) =>
    value === null ? "not applicable" : String(Number(value.toPrecision(5)));
  const rows = checks.map(({ metric, expected, tolerance, others }) => [
    metric,
    number(expected),
    number(tolerance),
    ...(others === null ? ["–", "–"] : [number(others.expected), number(others.tolerance)]),
  ]);
  return alignedLines([["metric", `seed ${seed}`, "tolerance", "other seeds", "tolerance"], ...rows]);
}

async function recordItem(
  item: Reproduction,
  options: {
    /** One per seed. */
    readonly labs: readonly Laboratory[];
    readonly size: StudySize;
    readonly seeds: readonly number[];
    readonly profile: OpenProfile;
    readonly progress: ReturnType<typeof measurementProgress>;
    readonly input: Input;
    readonly models: OpenModels;
  },
): Promise<ExpectationFile> {
  const { labs, size, seeds, profile, progress, input: { flags, signal, print }, models } = options;
  const { roles, open } = models;
  const runs: RecordedRun[] = [];
  let inputs: Readonly<Record<string, string>> = {};
  for (const whole of labs) {
    signal.throwIfAborted();
    const lab = whole.part(), { seed } = lab;
    runs.push({ seed, values: comparedValues(await item.run({ lab, roles, open })) });
    inputs = lab.inputs;
    progress.finish();
    print(`${item.id}: run from evaluation seed ${seed} done`);
  }
  const made = Object.entries(inputs).map(([name, hash]) => `${name} ${hash.slice(0, 12)}`).join(", ");
  return recordExpectations(runs, {
    id: item.id,
    madeBy: `deno task record ${item.id}${
      profile.name === USUAL_PROFILE ? "" : ` --profile ${profile.asked}`
    } --size ${flags.size} --seeds ${
      seeds.join(",")
    } (${made}; ONNX Runtime ${runtimeReport().version}, ${Deno.build.arch})`,
    roundingOf: roundingOf(size, { sets: labs[0]?.asked.sets.length ?? 1 }),
    kindOf: metricKind,
  });
}

/** What was recorded, or why the item asks for what the profile does not have. */
async function recordOrNot(
  item: Reproduction,
  options: Parameters<typeof recordItem>[1],
): Promise<ExpectationFile | NotApplicable> {
  try {
    return await recordItem(item, options);
  } catch (error) {
    if (error instanceof NotApplicable) return error;
    throw error;
  }
}

/** The command on a setting of its own; tests give it small ones. */
export function recordCommand(setting: ReproductionSetting) {
  return defineCommand({
    name: "record",
    summary: "Records what tables and figures should give, from the first seed and from others.",
    ...ITEM_ARGUMENTS,
    flags: FLAGS,
    examples: [["deno task record fig1 fig3", "Three runs of each, then fixtures/embedded/expected/full/"]],
    async run(input) {
      const { flags, positionals, print, signal, terminal } = input;
      const items = chooseReproductions(positionals);
      const profile = await openProfile(flags.profile, setting), size = profile.sizes[flags.size];
      const seeds = flags.seeds.length === 0 ? profile.seeds : flags.seeds.map(Number);
      checkSeeds(seeds, size.evaluationSeeds);
      const pathOf = (id: string) => expectedPath(profile, { size: flags.size, id });
      for (const { id } of items) await checkWritable(pathOf(id), { as: "file" });
      const models = await openModels(profile, { device: "cpu", threads: flags.threads });
      const asked = await profileProblems(profile), pool = evaluationPool({ ...flags, device: "cpu" });
      const progress = measurementProgress(terminal, flags.quiet);
      const store = new ResultStore(flags["no-cache"] ? null : setting.store);
      // One laboratory per seed for all items: what several of them measure is measured once.
      const labs = seeds.map((seed) =>
        new Laboratory({
          asked,
          size,
          seed,
          store,
          ...(pool === null ? {} : { pool }),
          signal,
          report: (step) => progress.report({ ...step, label: `seed ${seed}: ${step.label}` }),
        })
      );
      try {
        for (const item of items) {
          const recorded = await recordOrNot(item, { labs, size, seeds, profile, progress, input, models });
          if (recorded instanceof NotApplicable) {
            print(`${item.id}: not applicable, ${recorded.what}`);
            continue;
          }
          const path = pathOf(item.id);
          await ensureFolder(path.slice(0, path.lastIndexOf("/")));
          await writeFileAtomic(path, `${JSON.stringify(recorded, null, 2)}\n`);
          for (const line of tableLines(recorded)) print(line);
          print(path);
        }
      } finally {
        progress.finish();
        pool?.close();
        await models.release();
      }
    },
  });
}

/** Records expected values of a profile. */
export const record = recordCommand(REPOSITORY);

if (import.meta.main) await main(record);
