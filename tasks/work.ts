import { InputError } from "../lib/core/mod.ts";
import { PlanningStore, type Reproduction, ResultStore } from "../lib/experiment/mod.ts";
import { wholeNumber } from "./command/checks.ts";
import { type CommandInput, defineCommand, main, UNTIL_WALL } from "./command/command.ts";
import { computeOptions } from "./command/compute_flags.ts";
import { EXIT_CODES } from "./command/fault.ts";
import { measurementProgress } from "./study/measurement_progress.ts";
import { codeHash, withPlanning } from "./cluster/plan_parts.ts";
import { partsLeft, type PlanTask, readTasks } from "./cluster/plan_tasks.ts";
import { openProfile } from "./study/profile.ts";
import { evaluationPool, REPOSITORY, type ReproductionSetting } from "./study/reproduction_setting.ts";
import { chooseReproductions } from "./study/reproductions.ts";
import { artifactStates } from "./training/zoo_build.ts";
import { buildArtifacts } from "./zoo.ts";

const FLAGS = {
  plan: {
    kind: "string",
    required: true,
    metavar: "FILE",
    help: "A plan's tasks, as deno task cluster writes them",
  },
  index: {
    kind: "number",
    required: true,
    metavar: "N",
    check: wholeNumber(0),
    help: "The task: its line, from 0; an array's index",
  },
  ...UNTIL_WALL,
} as const;

type Input = CommandInput<typeof FLAGS>;

/** Measures the parts of a task: its item is asked for what it measures, and what is not of the task is left out. */
async function measure(
  task: PlanTask,
  left: PlanTask["parts"],
  setting: ReproductionSetting,
  input: Input,
): Promise<void> {
  const { signal, terminal, print } = input, { device, threads } = task, dtype = task.dtype ?? undefined;
  const [item] = chooseReproductions([task.item as string]) as [Reproduction];
  const store = new PlanningStore(new ResultStore(setting.store), new Set(left.map(({ hash }) => hash)));
  const progress = measurementProgress(terminal, false), pool = evaluationPool({ device, threads, dtype });
  try {
    const stopped = await withPlanning(await openProfile(task.profile, setting), {
      ...{ ...task, dtype, setting, store, runs: true },
      more: { report: progress.report, signal, ...(pool === null ? {} : { pool }) },
    }, ({ ask }) => ask(item));
    signal.throwIfAborted();
    for (const { hash, name, path } of await partsLeft(task)) {
      if (store.asked.some((asked) => asked.hash === hash)) {
        throw stopped ?? new Error(`${name} was not measured`);
      }
      // Results that came meanwhile may have led the item elsewhere.
      print(`${name}: not asked for any more (${path})`);
    }
  } finally {
    progress.finish();
    pool?.close();
  }
}

/** Trains the parts of a task. Resolves to an exit code. */
async function train(
  { profile: asked, dtype, ...task }: PlanTask,
  left: PlanTask["parts"],
  setting: ReproductionSetting,
  input: Input,
): Promise<number> {
  const profile = await openProfile(asked, setting), found = await artifactStates(profile);
  const chosen = found.artifacts.filter((artifact) => left.some(({ name }) => name === artifact.name));
  const { threads } = task, { signal, terminal, print } = input;
  const compute = computeOptions({ ...task, dtype: dtype ?? undefined, date: profile.date });
  return await buildArtifacts(chosen, {
    ...{ profile, found, threads, compute, force: false, signal, terminal, print },
  });
}

/** The command on a setting of its own; tests give it small ones. */
export function workCommand(setting: ReproductionSetting) {
  return defineCommand({
    name: "work",
    summary: "Makes the parts of one task of a plan: what each element of an array runs.",
    resume: "the same command goes on; a launcher queues the task again",
    flags: FLAGS,
    examples: [
      [
        "deno task work --plan out/cluster/embedded/plan-0123456789ab.jsonl --index 3",
        "The fourth task of a plan",
      ],
    ],
    async run(input) {
      const { flags, print } = input, tasks = await readTasks(flags.plan), task = tasks[flags.index];
      if (task === undefined) {
        throw new InputError(`there is no task ${flags.index}`, {
          where: flags.plan,
          repair: `the plan has the tasks 0 to ${tasks.length - 1}`,
        });
      }
      const left = await partsLeft(task);
      print(
        `task ${flags.index}: ${task.label}, ${
          task.parts.length - left.length
        } of ${task.parts.length} there already`,
      );
      if (left.length === 0) return EXIT_CODES.done;
      if (task.code !== codeHash()) {
        throw new InputError("the plan was made by other code than that which would do the work", {
          where: flags.plan,
          repair: "submit again: what the code makes now has other names",
        });
      }
      return await (task.kind === "measure" ? measure : train)(task, left, setting, input);
    },
  });
}

/** Makes the parts of one task of a plan. */
export const work = workCommand(REPOSITORY);

if (import.meta.main) await main(work);
