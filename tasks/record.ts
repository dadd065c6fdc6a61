import { ensureFolder, writeFileAtomic } from "../lib/checkpoint/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import {
  Laboratory,
  metricKind,
  type Reproduction,
  ResultStore,
  roundingOf,
  type StudySize,
} from "../lib/experiment/mod.ts";
import {
  comparedValues,
  type ExpectationFile,
  type RecordedRun,
  recordExpectations,
} from "../lib/report/mod.ts";
import { runtimeReport } from "../lib/runtime/mod.ts";
import { wholeNumbers } from "./_checks.ts";
import { type CommandInput, defineCommand, main } from "./_command.ts";
import { measurementProgress } from "./_measurement_progress.ts";
import { checkWritable } from "./_output_place.ts";
import {
  evaluationPool,
  expectedFile,
  MEASURING_FLAGS,
  type OpenModels,
  openModels,
  REPOSITORY,
  type ReproductionSetting,
} from "./_reproduction_setting.ts";
import { chooseReproductions, ITEM_ARGUMENTS } from "./_reproductions.ts";

const FLAGS = {
  seeds: {
    kind: "list",
    default: ["0", "10", "20"],
    metavar: "A,B,…",
    check: wholeNumbers(),
    help:
      "First evaluation seed of each run; values are those of the first, the others say how far seeds lie apart",
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
  const head = ["metric", `seed ${seed}`, "tolerance", "other seeds", "tolerance"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length))
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))
      .join("  ").trimEnd();
  return [head, ...rows].map(line);
}

async function recordItem(
  item: Reproduction,
  options: {
    /** One per seed. */
    readonly labs: readonly Laboratory[];
    readonly size: StudySize;
    readonly progress: ReturnType<typeof measurementProgress>;
    readonly input: Input;
    readonly models: OpenModels;
  },
): Promise<ExpectationFile> {
  const { labs, size, progress, input: { flags, signal, print }, models } = options;
  const runs: RecordedRun[] = [];
  let inputs: Readonly<Record<string, string>> = {};
  for (const whole of labs) {
    signal.throwIfAborted();
    const lab = whole.part(), { seed } = lab;
    runs.push({ seed, values: comparedValues(await item.run({ lab, open: models.open })) });
    inputs = lab.inputs;
    progress.finish();
    print(`${item.id}: run from evaluation seed ${seed} done`);
  }
  const made = Object.entries(inputs).map(([name, hash]) => `${name} ${hash.slice(0, 12)}`).join(", ");
  return recordExpectations(runs, {
    id: item.id,
    madeBy: `deno task record ${item.id} --size ${flags.size} --seeds ${
      flags.seeds.map(Number).join(",")
    } (${made}; ONNX Runtime ${runtimeReport().version}, ${Deno.build.arch})`,
    roundingOf: roundingOf(size),
    kindOf: metricKind,
  });
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
      const size = setting.sizes[flags.size];
      checkSeeds(flags.seeds.map(Number), size.evaluationSeeds);
      const pathOf = (id: string) => `${setting.fixtures}/${expectedFile(flags.size, id)}`;
      for (const { id } of items) await checkWritable(pathOf(id), { as: "file" });
      const models = await openModels(setting, { device: "cpu", threads: flags.threads });
      const pool = evaluationPool({ ...flags, device: "cpu" });
      const progress = measurementProgress(terminal, flags.quiet);
      const store = new ResultStore(flags["no-cache"] ? null : setting.store);
      // One laboratory per seed for all items: what several of them measure is measured once.
      const labs = flags.seeds.map(Number).map((seed) =>
        new Laboratory({
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
          const recorded = await recordItem(item, { labs, size, progress, input, models });
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

/** Records expected values of the embedded zoo. */
export const record = recordCommand(REPOSITORY);

if (import.meta.main) await main(record);
