import { resolve } from "node:path";
import { InputError } from "../lib/core/mod.ts";
import type { Rates } from "../lib/experiment/mod.ts";
import { DURATION, durationOf, wholeNumber } from "./command/checks.ts";
import { type CommandInput, defineCommand, main, runCommand } from "./command/command.ts";
import {
  forgetQueue,
  noteSubmission,
  openPlan,
  queuedParts,
  recentQueue,
  submissionsOf,
  taskStatuses,
} from "./cluster/cluster_run.ts";
import { EXIT_CODES } from "./command/fault.ts";
import { runLocally, visibleGpus } from "./cluster/local_engine.ts";
import { markdownTable } from "./command/markdown_table.ts";
import { checkWritable } from "./command/output_place.ts";
import { type MadePlan, makePlan, PLAN_FLAGS } from "./cluster/plan_flags.ts";
import { codeHash, type PlanPart } from "./cluster/plan_parts.ts";
import { type PlanRun, type PlanTask, planTasks } from "./cluster/plan_tasks.ts";
import { durationText, Progress } from "./command/progress.ts";
import { REPOSITORY, type ReproductionSetting } from "./study/reproduction_setting.ts";
import {
  mostElements,
  queuedElements,
  readHeader,
  slurm,
  slurmAnswer,
  slurmScript,
  USUAL_ELEMENTS,
} from "./cluster/slurm.ts";
import { afterExit, exitText } from "./cluster/task_exit.ts";
import { reproduceCommand } from "./reproduce.ts";
import { projectPath } from "./command/user_folder.ts";
import { didYouMean } from "./command/did_you_mean.ts";

const ACTIONS = ["submit", "status", "collect", "cancel"] as const;

const FLAGS = {
  ...PLAN_FLAGS,
  engine: {
    kind: "string",
    choices: ["slurm", "local"],
    default: "slurm",
    help: "slurm queues arrays of tasks; local runs the same tasks in processes of this machine",
  },
  run: {
    kind: "string",
    metavar: "DIR",
    help: "Plans, scripts, logs and exits (default out/cluster/PROFILE-SIZE); on a disk that all nodes see",
  },
  out: { kind: "string", default: "out", metavar: "DIR", help: "collect: results go to DIR/PROFILE/ID/" },
  rest: { kind: "boolean", help: "collect: measure here what is not there yet, in place of naming it" },
  "task-time": {
    kind: "string",
    default: "10min",
    metavar: "TIME",
    check: DURATION,
    help: "Parts that take less go into one task, up to this time",
  },
  concurrent: {
    kind: "number",
    default: 16,
    metavar: "N",
    check: wholeNumber(1),
    help: "slurm: elements of an array at a time",
  },
  jobs: {
    kind: "number",
    metavar: "N",
    check: wholeNumber(1),
    help: "local: processes at a time (default 1, or one per visible GPU)",
  },
  sbatch: {
    kind: "list",
    metavar: "OPTION",
    help:
      "slurm: any option of sbatch, as partition=gpu, account=lab, gres=gpu:1, time=4:00:00, mem=32G, constraint=a100",
  },
  header: {
    kind: "string",
    metavar: "FILE",
    help: "slurm: options as #SBATCH lines, and lines of shell that set a node up",
  },
  warn: {
    kind: "string",
    default: "2min",
    metavar: "TIME",
    check: DURATION,
    help: "slurm: so long before its time limit a task saves its state and queues again",
  },
  "submit-limit": {
    kind: "number",
    metavar: "N",
    check: wholeNumber(1),
    help: "slurm: elements that the cluster lets you have in its queue; the rest waits for the next submit",
  },
  "array-limit": {
    kind: "number",
    metavar: "N",
    check: wholeNumber(1),
    help: "slurm: elements of one array (default the cluster's MaxArraySize)",
  },
  "dry-run": {
    kind: "boolean",
    help: "submit: print the scripts, or of local the tasks as JSONL; submit nothing",
  },
} as const;

type Input = CommandInput<typeof FLAGS>;

const runFolder = ({ flags }: Input): string =>
  resolve(flags.run ?? `out/cluster/${flags.profile.replace(/^.*\/|\.json$/g, "")}-${flags.size}`);

/** A plan of a run's folder, and the command that does its tasks, as deno.json has it. */
async function planRun(folder: string, plan: string): Promise<PlanRun> {
  const { tasks: { work } } = JSON.parse(await Deno.readTextFile(projectPath("deno.json")));
  return { folder, plan, root: resolve(projectPath(".")), command: work.command.split(" ") };
}

/** Tasks of a plan that can be done now, but for parts that are on their way already. */
function tasksOf(plan: MadePlan, { flags }: Input, onTheirWay?: ReadonlySet<string>): readonly PlanTask[] {
  const { size, device, dtype = null, threads } = flags, { code, seed, profile } = plan;
  return planTasks(plan.parts.filter(({ hash }) => onTheirWay?.has(hash) !== true), {
    ...{ size, device, dtype, threads, code, seed },
    profile: profile.asked === profile.name ? profile.asked : resolve(profile.where),
    mostSeconds: durationOf(flags["task-time"]) as number / 1000,
  });
}

/** What a plan lacks that no task makes, and what will be asked for later. */
function tellRest(plan: MadePlan, { print }: Input): void {
  const count = (of: PlanPart["state"]): number => plan.parts.filter(({ state }) => state === of).length;
  const waiting = count("waits"), foreign = count("made from other inputs");
  for (const line of plan.missing) print(`not there: ${line}`);
  if (waiting > 0) print(`${waiting} parts wait for others: submit again when these are there`);
  if (foreign > 0) {
    print(
      `${foreign} parts are made from other inputs: deno task zoo --profile ${plan.profile.asked} --force`,
    );
  }
}

async function submitSlurm(input: Input, setting: ReproductionSetting): Promise<number> {
  const { flags, print } = input, dry = flags["dry-run"], folder = runFolder(input);
  // First the queue: what ends while the plan is made was in it, what ended before is there.
  const queue = dry ? [] : await queuedElements(), plan = await makePlan(input, { setting });
  const tasks = tasksOf(plan, input, dry ? undefined : await queuedParts(folder, queue));
  const header = readHeader(flags.header === undefined ? "" : await Deno.readTextFile(flags.header));
  const most = flags["array-limit"] ?? (dry ? USUAL_ELEMENTS : await mostElements());
  const room = Math.max(0, (flags["submit-limit"] ?? Infinity) - queue.length);
  if (!dry) await checkWritable(folder, { as: "folder", flag: "run" });
  const name = dry ? "plan-dry-run" : tasks.length === 0 ? "" : await openPlan(folder, tasks);
  const run = await planRun(folder, name), wanted = Math.min(tasks.length, room);
  for (let first = 0; first < wanted; first += most) {
    const count = Math.min(most, wanted - first);
    const script = slurmScript({
      ...{ ...run, ...header, first, count, concurrent: flags.concurrent },
      // Of deno by name a node may have another.
      command: [Deno.execPath(), ...run.command.slice(1)],
      warnSeconds: durationOf(flags.warn) as number / 1000,
      name: `${plan.profile.name}-${flags.size}`,
      options: [
        `--cpus-per-task=${flags.threads}`,
        ...header.options,
        ...flags.sbatch.map((option) => option.startsWith("-") ? option : `--${option}`),
      ],
    });
    if (dry) {
      print(script);
      continue;
    }
    const path = `${folder}/${name}-${first}.sh`;
    await Deno.writeTextFile(path, script);
    const reply = await slurm("sbatch", ["--parsable", path]);
    if (!reply.ok) {
      throw new InputError(
        `the cluster took ${first} of ${tasks.length} tasks, then sbatch said: ${reply.error.split("\n")[0]}`,
        {
          where: path,
          repair: "submit again later: what is in the queue or done is not submitted twice",
        },
      );
    }
    const job = reply.output.split(";")[0] as string;
    await noteSubmission(folder, { plan: name, job, first, count });
    await forgetQueue(folder);
    print(`job ${job}: ${count} tasks, ${folder}/${name}.jsonl from line ${first}`);
  }
  if (tasks.length > wanted) {
    print(`${tasks.length - wanted} tasks are beyond --submit-limit: submit again when some are done`);
  }
  if (tasks.length === 0) {
    print("nothing to submit: every part that can be made now is there or in the queue");
  }
  tellRest(plan, input);
  return EXIT_CODES.done;
}

async function submitLocal(input: Input, setting: ReproductionSetting): Promise<number> {
  const { flags, print, signal, terminal } = input, folder = runFolder(input);
  const gpus = flags.device === "cuda" ? visibleGpus(Deno.env.get("CUDA_VISIBLE_DEVICES")) : [];
  const jobs = flags.jobs ?? Math.max(1, gpus.length);
  if (gpus.length > 0 && jobs > gpus.length) {
    throw new InputError(`${jobs} processes would share ${gpus.length} GPUs`, {
      repair: `leave out --jobs, or give ${gpus.length}`,
    });
  }
  let rates: { readonly rates?: Rates } = {}, before = "";
  while (true) {
    const plan = await makePlan(input, { setting, ...rates }), tasks = tasksOf(plan, input);
    rates = { rates: plan.rates as Rates };
    if (flags["dry-run"]) {
      for (const task of tasks) print(JSON.stringify(task));
      return EXIT_CODES.done;
    }
    if (tasks.length === 0) {
      tellRest(plan, input);
      print("every part that can be made here is there");
      return EXIT_CODES.done;
    }
    await checkWritable(folder, { as: "folder", flag: "run" });
    const name = await openPlan(folder, tasks), run = await planRun(folder, name);
    const total = Math.ceil(tasks.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0));
    if (name === before) {
      throw new InputError("tasks ended without making their parts", { where: `${folder}/logs` });
    }
    before = name;
    await noteSubmission(folder, { plan: name, job: "local", first: 0, count: tasks.length });
    const progress = new Progress(terminal, {
      label: name,
      total,
      unit: "estimated s",
      quiet: flags.quiet,
    });
    let ended = 0, estimated = 0;
    const failed: string[] = [];
    await runLocally(tasks, {
      ...{ ...run, jobs, gpus, signal },
      onEnd({ label, seconds }, code, log) {
        ended++;
        estimated += seconds ?? 0;
        progress.update(Math.min(total, Math.round(estimated)), `${ended} of ${tasks.length} tasks`);
        if (afterExit(code) !== "done" && !signal.aborted) failed.push(`${label}: ${exitText(code)}: ${log}`);
      },
    });
    progress.finish(`${ended} of ${tasks.length} tasks`);
    signal.throwIfAborted();
    for (const line of failed) print(`failed: ${line}`);
    if (failed.length > 0) return EXIT_CODES.outside;
  }
}

async function status(input: Input): Promise<number> {
  const { print } = input, folder = runFolder(input), submissions = await submissionsOf(folder);
  if (submissions.length === 0) {
    throw new InputError("nothing was submitted", {
      where: folder,
      repair: "deno task cluster submit, or the --run of what was",
    });
  }
  const onSlurm = submissions.some(({ job }) => job !== "local");
  const { elements, ageMs } = onSlurm ? await recentQueue(folder) : { elements: [], ageMs: 0 };
  const statuses = await taskStatuses(folder, { queue: elements, code: codeHash() });
  const of = (state: string) => statuses.filter((task) => task.state === state);
  const timeOf = (state: string): string => {
    const seconds = of(state).map(({ task }) => task.seconds);
    return seconds.includes(null)
      ? "unknown"
      : durationText(1000 * (seconds as number[]).reduce((sum, of) => sum + of, 0));
  };
  const table = markdownTable([
    ["tasks", "count", "estimated"],
    ...["done", "running", "waiting", "stopped", "failed"].map((state) => [
      ...[state, String(of(state).length), timeOf(state)],
    ]),
  ]);
  for (const line of table) print(line);
  if (ageMs > 0) {
    print(`the queue is that of ${durationText(ageMs)} ago: it is asked at most every half minute`);
  }
  for (const { task, note, element } of of("running")) print(`running: ${task.label}: ${element}, ${note}`);
  const ended = [...of("stopped"), ...of("failed")];
  for (const { task, state, note, log, element } of ended) {
    print(`${state}: ${task.label}: ${element}, ${note}: ${log}`);
  }
  return ended.length === 0 ? EXIT_CODES.done : EXIT_CODES.outside;
}

async function cancel(input: Input): Promise<number> {
  const { print } = input, folder = runFolder(input);
  const jobs = new Set((await submissionsOf(folder)).map(({ job }) => job));
  const queued = (await queuedElements()).map(({ element }) => element.split("_")[0] as string);
  const found = [...new Set(queued)].filter((job) => jobs.has(job));
  if (found.length === 0) {
    print("nothing of this run is in the queue");
    return EXIT_CODES.done;
  }
  await slurmAnswer("scancel", found);
  await forgetQueue(folder);
  print(`cancelled: ${found.map((job) => `job ${job}`).join(", ")}`);
  return EXIT_CODES.done;
}

async function collect(input: Input, setting: ReproductionSetting): Promise<number> {
  const { flags, print, terminal } = input, plan = await makePlan(input, { setting, rates: null });
  const left = plan.parts.filter(({ state, kind }) => state !== "there" && kind === "measure");
  if (left.length > 0 && !flags.rest) {
    print(`${left.length} measurements are not there: submit them, or add --rest to make them here`);
    for (const { name } of left.slice(0, 5)) print(`not there: ${name}`);
    return EXIT_CODES.outside;
  }
  const { size, device, dtype, threads, quiet } = flags;
  return await runCommand(reproduceCommand(setting), {
    ...terminal,
    enterUserFolder: () => {},
    args: [
      ...(input.positionals.length === 0 ? ["all"] : input.positionals),
      ...["--profile", flags.profile, "--size", size, "--seed", String(plan.seed), "--device", device],
      ...["--threads", String(threads), "--out", flags.out],
      ...(dtype === undefined ? [] : ["--dtype", dtype]),
      ...(quiet ? ["--quiet"] : []),
    ],
  });
}

/** The command on a setting of its own; tests give it small ones. */
function clusterCommand(setting: ReproductionSetting) {
  return defineCommand({
    name: "cluster",
    summary: "Shares a study's training and measuring among processes: Slurm's, or this machine's.",
    resume: "the same command goes on: what is done is not done again",
    positionals: {
      metavar: "ACTION [ID]",
      help: "submit, status, collect or cancel; then fig1, fig3, a slug, or all (default all)",
      least: 1,
    },
    flags: FLAGS,
    examples: [
      ["deno task cluster submit --profile smollm2 --dry-run", "The scripts that would be submitted"],
      [
        "deno task cluster submit --profile paper --device cuda --rates r.json --sbatch gres=gpu:1,time=4:00:00",
        "Queue what can be made now",
      ],
      ["deno task cluster status --profile paper", "What is done, runs, waits, failed, and where its log is"],
      ["deno task cluster collect fig1 --profile paper --device cuda", "Make the figures of what is there"],
      [
        "deno task cluster submit fig3 --size quick --engine local --jobs 2",
        "The same tasks in two processes here",
      ],
    ],
    async run(input) {
      const [action, ...ids] = input.positionals, named = { ...input, positionals: ids };
      switch (action as typeof ACTIONS[number]) {
        case "submit":
          return input.flags.engine === "slurm"
            ? await submitSlurm(named, setting)
            : await submitLocal(named, setting);
        case "status":
          return await status(named);
        case "collect":
          return await collect(named, setting);
        case "cancel":
          return await cancel(named);
      }
      throw new InputError(
        `unknown action "${action}", known are ${ACTIONS.join(", ")}`,
        didYouMean(String(action), ACTIONS),
      );
    },
  });
}

/** Shares a study's training and measuring among processes. */
export const cluster = clusterCommand(REPOSITORY);

if (import.meta.main) await main(cluster);
