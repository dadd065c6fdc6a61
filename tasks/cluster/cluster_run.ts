import { ensureFolder, writeFileAtomic } from "../../lib/checkpoint/mod.ts";
import { exists, removeIfThere } from "../command/output_place.ts";
import { partsLeft, type PlanTask, readTasks, writeTasks } from "./plan_tasks.ts";
import { endedElements, type QueuedElement, queuedElements } from "./slurm.ts";
import { afterExit, exitPath, exitText, readExit } from "./task_exit.ts";

/** Tasks of a plan that went to an engine together: an array of Slurm's, or a run on this machine. */
interface Submission {
  /** Name of the plan. */
  readonly plan: string;
  /** The array's id, or "local". */
  readonly job: string;
  /** The first of its tasks, which is element 0. */
  readonly first: number;
  readonly count: number;
}

/** A task where it stands. */
interface TaskStatus {
  readonly task: PlanTask;
  readonly state: "done" | "running" | "waiting" | "failed" | "stopped";
  /** Where it runs, why it waits, how it ended. */
  readonly note: string;
  /** The file that holds what it said. */
  readonly log: string;
  /** The element of an array that it is: "12_3", or "local 3". */
  readonly element: string;
}

/** Writes the tasks of a new submission; how tasks of the same plan ended before is forgotten. Returns the plan's name. */
export async function openPlan(folder: string, tasks: readonly PlanTask[]): Promise<string> {
  for (const name of ["", "/logs", "/exits"]) await ensureFolder(`${folder}${name}`);
  const plan = await writeTasks(folder, tasks);
  for await (const { name } of Deno.readDir(`${folder}/exits`)) {
    if (name.startsWith(`${plan}-`)) await Deno.remove(`${folder}/exits/${name}`);
  }
  return plan;
}

const recordPath = (folder: string): string => `${folder}/submissions.jsonl`;

/** Notes a submission as soon as it is made: what comes after it may fail. */
export async function noteSubmission(folder: string, submission: Submission): Promise<void> {
  await Deno.writeTextFile(recordPath(folder), `${JSON.stringify(submission)}\n`, { append: true });
}

/** All submissions of a run, in their order. */
export async function submissionsOf(folder: string): Promise<readonly Submission[]> {
  if (!await exists(recordPath(folder))) return [];
  const lines = (await Deno.readTextFile(recordPath(folder))).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line));
}

/** Nobody may ask a controller more often. */
const ASK_EVERY_MS = 30_000;

/** The user's queue, asked for at most every half minute whoever asks, and how old the answer is. */
export async function recentQueue(
  folder: string,
): Promise<{ readonly elements: readonly QueuedElement[]; readonly ageMs: number }> {
  const path = `${folder}/queue.json`, now = Date.now();
  if (await exists(path)) {
    const kept: { readonly at: number; readonly elements: readonly QueuedElement[] } = JSON.parse(
      await Deno.readTextFile(path),
    );
    if (now - kept.at >= 0 && now - kept.at < ASK_EVERY_MS) {
      return { elements: kept.elements, ageMs: now - kept.at };
    }
  }
  const elements = await queuedElements();
  await writeFileAtomic(path, JSON.stringify({ at: now, elements }));
  return { elements, ageMs: 0 };
}

/** Forgets the queue, which something has just changed. */
export async function forgetQueue(folder: string): Promise<void> {
  await removeIfThere(`${folder}/queue.json`);
}

/** Every task that was submitted, each where it was submitted last. */
async function submittedTasks(folder: string) {
  const latest = new Map<string, Pick<TaskStatus, "task" | "element"> & Submission & { index: number }>();
  const plans = new Map<string, readonly PlanTask[]>();
  for (const submission of await submissionsOf(folder)) {
    const { plan, first, count, job } = submission;
    const tasks = plans.get(plan) ?? await readTasks(`${folder}/${plan}.jsonl`);
    plans.set(plan, tasks);
    for (const [place, task] of tasks.slice(first, first + count).entries()) {
      const index = first + place, element = job === "local" ? `local ${index}` : `${job}_${place}`;
      latest.delete(task.task); // it moves to the end
      latest.set(task.task, { ...submission, task, index, element });
    }
  }
  return [...latest.values()];
}

/**
 * Where every submitted task stands: of the store, the queue, what launchers noted and what Slurm remembers. A task is
 * left out that did not end well, where later ones have its parts, or other code planned it.
 */
export async function taskStatuses(
  folder: string,
  options: { readonly queue: readonly QueuedElement[]; readonly code: string },
): Promise<readonly TaskStatus[]> {
  const { queue, code } = options, later = new Set<string>(), statuses: TaskStatus[] = [];
  const queued = new Map(queue.map((element) => [element.element, element])),
    remembered = new Map<string, ReadonlyMap<string, string>>();
  for (const { task, plan, job, index, element } of (await submittedTasks(folder)).reverse()) {
    const log = `${folder}/logs/${job === "local" ? `${plan}-${index}` : element}.log`;
    const say = (state: TaskStatus["state"], note: string): void =>
      void statuses.push({ task, state, note, log, element });
    const inQueue = queued.get(element), left = await partsLeft(task);
    const isLater = left.every(({ hash }) => later.has(hash));
    for (const { hash } of task.parts) later.add(hash);
    if (left.length === 0) say("done", "");
    else if (inQueue !== undefined) {
      say(inQueue.state === "RUNNING" ? "running" : "waiting", `${inQueue.state} ${inQueue.where}`);
    } else if (!isLater && task.code === code) {
      const ended = await readExit(exitPath(folder, { plan, index }));
      if (ended !== null && ended.code !== 0) {
        const state = afterExit(ended.code) === "goes on" ? "stopped" : "failed";
        say(state, `${exitText(ended.code)}, on ${ended.node}, attempt ${ended.attempt}`);
      } else if (job === "local") {
        say("waiting", "not ended where it was submitted; submit again if that was stopped");
      } else {
        const known = remembered.get(job) ?? await endedElements(job);
        remembered.set(job, known);
        say("failed", known.get(element) ?? "Slurm does not remember it");
      }
    }
  }
  return statuses.reverse();
}

/** Hashes of parts that wait or run in the queue. */
export async function queuedParts(
  folder: string,
  queue: readonly QueuedElement[],
): Promise<ReadonlySet<string>> {
  const queued = new Set(queue.map(({ element }) => element));
  const submitted = (await submittedTasks(folder)).filter(({ element }) => queued.has(element));
  return new Set(submitted.flatMap(({ task }) => task.parts.map(({ hash }) => hash)));
}
