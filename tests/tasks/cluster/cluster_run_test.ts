import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../../lib/core/mod.ts";
import { noteSubmission, openPlan, queuedParts, taskStatuses } from "../../../tasks/cluster/cluster_run.ts";
import type { PlanTask } from "../../../tasks/cluster/plan_tasks.ts";
import { exitPath } from "../../../tasks/cluster/task_exit.ts";
import { inFolder } from "../_tiny_zoo.ts";

const CODE = "of this code";

/** A task whose parts are files of a folder. */
function taskOf(folder: string, label: string, parts: readonly string[]): PlanTask {
  return {
    ...{
      task: `task ${label}`,
      label,
      kind: "measure",
      profile: "embedded",
      item: "fig1",
      size: "quick",
    } as const,
    ...{ seed: 0, device: "cpu", dtype: null, threads: 1, seconds: 1, code: CODE } as const,
    parts: parts.map((name) => ({ hash: name, name, path: `${folder}/${name}` })) as [
      PlanTask["parts"][number],
    ],
  };
}

/** Submits tasks to this machine, as the local engine does. */
async function submit(folder: string, tasks: readonly PlanTask[], job = "local"): Promise<string> {
  const plan = await openPlan(folder, tasks);
  await noteSubmission(folder, { plan, job, first: 0, count: tasks.length });
  return plan;
}

const noteExit = (folder: string, plan: string, index: number, code: number) =>
  Deno.writeTextFile(
    exitPath(folder, { plan, index }),
    JSON.stringify({ code, node: "n1", job: "local", log: "x.log", attempt: 2 }),
  );

Deno.test("taskStatuses() tells done, stopped and failed tasks by what is there and how they ended", () =>
  inFolder(async (folder) => {
    const tasks = ["a", "b", "c", "d"].map((name) => taskOf(folder, name, [name])),
      plan = await submit(folder, tasks);
    await Deno.writeTextFile(`${folder}/a`, "");
    await noteExit(folder, plan, 1, 2);
    await noteExit(folder, plan, 2, 130);
    const statuses = await taskStatuses(folder, { queue: [], code: CODE });
    assertEquals(statuses.map(({ task, state, note }) => [task.label, state, note]), [
      ["a", "done", ""],
      ["b", "failed", "exit code 2, bad input, on n1, attempt 2"],
      ["c", "stopped", "exit code 130, stopped, with its state saved, on n1, attempt 2"],
      ["d", "waiting", "not ended where it was submitted; submit again if that was stopped"],
    ]);
    assertEquals(statuses[1]?.log, `${folder}/logs/${plan}-1.log`);
  }));

Deno.test("taskStatuses() leaves out what later tasks took over, and what other code planned", () =>
  inFolder(async (folder) => {
    const plan = await submit(folder, [taskOf(folder, "both", ["a", "b"]), taskOf(folder, "alone", ["c"])]);
    await noteExit(folder, plan, 0, 137);
    await submit(folder, [taskOf(folder, "a again", ["a"]), taskOf(folder, "b again", ["b"])]);
    const labels = async (code: string) =>
      (await taskStatuses(folder, { queue: [], code })).map(({ task }) => task.label);
    assertEquals(await labels(CODE), ["alone", "a again", "b again"]);
    await Deno.writeTextFile(`${folder}/c`, "");
    assertEquals(await labels("of other code"), ["alone"]);
  }));

Deno.test("queuedParts() are those of elements in the queue, and taskStatuses() says where these are", () =>
  inFolder(async (folder) => {
    await submit(folder, ["a", "b", "c"].map((name) => taskOf(folder, name, [name])), "12");
    const queue = [{ element: "12_0", state: "RUNNING", where: "n1" }, {
      element: "12_2",
      state: "PENDING",
      where: "(Priority)",
    }];
    assertEquals([...await queuedParts(folder, queue)], ["a", "c"]);
    await Deno.writeTextFile(`${folder}/b`, "");
    const statuses = await taskStatuses(folder, { queue, code: CODE });
    assertEquals(statuses.map(({ state, note }) => [state, note]), [
      ["running", "RUNNING n1"],
      ["done", ""],
      ["waiting", "PENDING (Priority)"],
    ]);
  }));

Deno.test("a new submission of the same tasks forgets how they ended, and a torn record is named", () =>
  inFolder(async (folder) => {
    const tasks = [taskOf(folder, "a", ["a"])], plan = await submit(folder, tasks);
    await Deno.writeTextFile(exitPath(folder, { plan, index: 0 }), '{"code":');
    const error = await assertRejects(() => taskStatuses(folder, { queue: [], code: CODE }), InputError);
    assertStringIncludes(error.message, `/exits/${plan}-0.json`);
    await submit(folder, tasks);
    assertEquals((await taskStatuses(folder, { queue: [], code: CODE })).map(({ state }) => state), [
      "waiting",
    ]);
  }));
