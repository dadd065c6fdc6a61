import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../../lib/core/mod.ts";
import type { PlanPart } from "../../../tasks/cluster/plan_parts.ts";
import { partsLeft, planTasks, readTasks, writeTasks } from "../../../tasks/cluster/plan_tasks.ts";
import { workCommand } from "../../../tasks/work.ts";
import { faultLine, inFolder, runOn } from "../_tiny_zoo.ts";

const SETTING = {
  ...{
    profile: "embedded",
    size: "quick",
    seed: 0,
    device: "cpu",
    dtype: null,
    threads: 1,
    code: "abc",
  } as const,
  mostSeconds: 10,
};

const part = (name: string, seconds: number | null, more: Partial<PlanPart> = {}): PlanPart => ({
  ...{ kind: "measure", name, hash: `hash of ${name}`, path: `/nowhere/${name}`, item: "fig1", needs: [] },
  state: "missing",
  cost: seconds === null ? null : { seconds, memoryBytes: 1, diskBytes: 1 },
  ...more,
});

Deno.test("planTasks() puts parts of one item together up to a time, and leaves out what is there or waits", () => {
  const tasks = planTasks([
    part("a", 4),
    part("b", 4),
    part("other", 1, { item: "fig3" }),
    part("c", 4),
    part("there", 1, { state: "there" }),
    part("waits", 1, { state: "waits" }),
    part("foreign", 1, { state: "made from other inputs" }),
    part("long", 100),
    part("unknown", null),
  ], SETTING);
  assertEquals(tasks.map(({ parts }) => parts.map(({ name }) => name)), [["a", "b"], ["c"], ["long"], [
    "other",
  ], ["unknown"]]);
  assertEquals(tasks.map(({ seconds }) => seconds), [8, 4, 100, 1, null]);
  assertEquals(new Set(tasks.map(({ task }) => task)).size, tasks.length);
});

Deno.test("a plan's file is named by its content, comes back, and says which line is none of it", () =>
  inFolder(async (folder) => {
    const tasks = planTasks([part("a", 4), part("b", 40)], SETTING), name = await writeTasks(folder, tasks);
    assertEquals(await writeTasks(folder, tasks), name);
    assertEquals(await readTasks(`${folder}/${name}.jsonl`), tasks);
    await Deno.writeTextFile(`${folder}/torn.jsonl`, `${JSON.stringify(tasks[0])}\n{"task":`);
    const error = await assertRejects(() => readTasks(`${folder}/torn.jsonl`), InputError);
    assertStringIncludes(error.message, "torn.jsonl, line 2");
  }));

Deno.test("work leaves a task alone that is there, and refuses one that other code planned", () =>
  inFolder(async (folder) => {
    const path = `${folder}/result`, tasks = planTasks([part("a", 4, { path })], SETTING);
    const plan = `${folder}/${await writeTasks(folder, tasks)}.jsonl`;
    const work = workCommand({ fixtures: folder, store: folder });
    const stale = await runOn(work, ["--plan", plan, "--index", "0"]);
    assertEquals([stale.code, stale.output], [2, "task 0: a, 0 of 1 there already\n"]);
    assertStringIncludes(stale.error, "made by other code");
    assertStringIncludes(
      faultLine(await runOn(work, ["--plan", plan, "--index", "1"])),
      "there is no task 1",
    );
    await Deno.writeTextFile(path, "");
    assertEquals((await partsLeft(tasks[0]!)).length, 0);
    const there = await runOn(work, ["--plan", plan, "--index", "0"]);
    assertEquals([there.code, there.output], [0, "task 0: a, 1 of 1 there already\n"]);
  }));
