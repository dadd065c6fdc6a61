import { writeFileAtomic } from "../../lib/checkpoint/mod.ts";
import { canonicalJson, InputError, sha256 } from "../../lib/core/mod.ts";
import { z } from "zod";
import { exists } from "../command/output_place.ts";
import type { PlanPart } from "./plan_parts.ts";

const TASK = z.strictObject({
  task: z.string(),
  label: z.string(),
  kind: z.enum(["train", "measure"]),
  profile: z.string(),
  item: z.string().nullable(),
  parts: z.array(z.strictObject({ hash: z.string(), name: z.string(), path: z.string() })).nonempty(),
  size: z.enum(["full", "quick"]),
  seed: z.number(),
  device: z.enum(["cpu", "cuda"]),
  dtype: z.enum(["float32", "bfloat16", "float16"]).nullable(),
  threads: z.number(),
  seconds: z.number().nullable(),
  code: z.string(),
});

/** One line of a plan's file: parts that one process makes, and all that it needs to know. */
export type PlanTask = z.infer<typeof TASK>;

/** What an engine needs to have a plan's tasks done. */
export interface PlanRun {
  /** Holds the plan, its logs and its exits; a whole path. */
  readonly folder: string;
  /** Name of the plan. */
  readonly plan: string;
  /** The project's folder. */
  readonly root: string;
  /** The program that does a task, and its arguments up to those that name the task. */
  readonly command: readonly [program: string, ...string[]];
}

/** How parts are made, the same for all. */
type TaskSetting = Pick<
  PlanTask,
  "profile" | "size" | "seed" | "device" | "dtype" | "threads" | "code"
>;

/**
 * Parts that can be made now as tasks: measurements of one item together, and trained parts of one model, as long as
 * they are estimated to take no more than `mostSeconds`; a longer part has a task of its own.
 */
export function planTasks(
  parts: readonly PlanPart[],
  options: TaskSetting & { readonly mostSeconds: number },
): readonly PlanTask[] {
  const { mostSeconds, ...setting } = options, tasks: PlanTask[] = [];
  const groups = new Map<string, { parts: PlanPart[]; seconds: number }>();
  const close = (key: string): void => {
    const group = groups.get(key), [first] = group?.parts ?? [];
    groups.delete(key);
    if (group === undefined || first === undefined) return;
    const { kind, item } = first, count = group.parts.length;
    tasks.push({
      task: sha256(canonicalJson(group.parts.map(({ hash }) => hash))),
      label: count === 1 ? first.name : `${item ?? (first.name.split("/")[0] as string)}, ${count} parts`,
      ...{ kind, item, ...setting },
      parts: group.parts.map(({ hash, name, path }) => ({ hash, name, path })) as [PlanTask["parts"][number]],
      seconds: group.parts.every(({ cost }) => cost !== null) ? group.seconds : null,
    });
  };
  for (const part of parts) {
    if (part.state !== "missing") continue;
    const key = part.item ?? (part.name.split("/")[0] as string), seconds = part.cost?.seconds ?? mostSeconds;
    if ((groups.get(key)?.seconds ?? 0) + seconds > mostSeconds) close(key);
    const group = groups.get(key) ?? { parts: [], seconds: 0 };
    groups.set(key, { parts: [...group.parts, part], seconds: group.seconds + seconds });
  }
  for (const key of [...groups.keys()]) close(key);
  return tasks;
}

/** Writes tasks as JSONL into a folder, named by their content. Returns the name without its ending. */
export async function writeTasks(folder: string, tasks: readonly PlanTask[]): Promise<string> {
  const text = tasks.map((task) => `${JSON.stringify(task)}\n`).join(""),
    name = `plan-${sha256(text).slice(0, 12)}`;
  await writeFileAtomic(`${folder}/${name}.jsonl`, text);
  return name;
}

/** The tasks of a file. Throws an InputError for a line that is none. */
export async function readTasks(path: string): Promise<readonly PlanTask[]> {
  const lines = (await Deno.readTextFile(path)).split("\n").filter((line) => line !== "");
  return lines.map((line, index) => {
    let task: z.ZodSafeParseResult<PlanTask> | null = null;
    try {
      task = TASK.safeParse(JSON.parse(line));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    if (task?.success) return task.data;
    throw new InputError("this is no task of a plan", {
      where: `${path}, line ${index + 1}`,
      repair: "submit again",
    });
  });
}

/** Parts of a task that are not there. */
export async function partsLeft({ parts }: PlanTask): Promise<PlanTask["parts"]> {
  const there = await Promise.all(parts.map(({ path }) => exists(path)));
  return parts.filter((_, index) => !there[index]) as PlanTask["parts"];
}
