/**
 * A study over a cluster of one node of Slurm, with faults: a task that is killed, one that is put back, one that reaches
 * its time limit. What comes out is compared, byte for byte, with a run without a cluster.
 *
 *     deno task test:cluster
 *
 * It needs root and Debian's slurm-wlm and munge, and says so where it is skipped.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type OneNodeSlurm, run, startSlurm, until, whyNoSlurm } from "./_one_node_slurm.ts";
import { FIGURE_FILES, sameFiles, tasksIn, writeStudy } from "./_small_study.ts";

const lacking = await whyNoSlurm();
if (lacking !== null) console.error(`skipped, ${lacking}: the tests of Slurm`);

const isFile = async (path: string): Promise<boolean> => await Deno.stat(path).then(() => true, () => false);

/** When elements were first seen held back. */
const held = new Map<string, number>();

/**
 * Lets elements start that Slurm holds back for two minutes after they were put back; not at once, as it refuses one
 * whose end it has not heard of on the node.
 */
async function startHeld({ env }: OneNodeSlurm): Promise<void> {
  const { output } = await run("squeue", ["--noheader", "--array", "--format=%i|%T|%r"], { env });
  for (const line of output.split("\n").filter((line) => line.includes("|PENDING|BeginTime"))) {
    const element = line.split("|")[0] as string, since = held.get(element) ?? Date.now();
    held.set(element, since);
    if (Date.now() - since < 3000) continue;
    held.delete(element);
    await run("scontrol", ["update", `jobid=${element}`, "StartTime=now"], { env });
  }
}

/** Whether nothing waits or runs, now and a second later: an element that is put back is nowhere for a moment. */
async function queueEmpty(slurm: OneNodeSlurm): Promise<boolean> {
  await startHeld(slurm);
  for (let look = 0; look < 2; look++) {
    const { output, code } = await run("squeue", ["--noheader"], { env: slurm.env });
    if (code !== 0 || output.trim() !== "") return false;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  return true;
}

const NAME =
  "a study over Slurm, with tasks killed, put back and stopped at their limit, gives the bytes of one without";

Deno.test(NAME, { ignore: lacking !== null }, async (t) => {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "cluster-" }));
  const slurm = await startSlurm(`${folder}/slurm`, { maxArraySize: 3 });
  const task = tasksIn(folder, slurm.env);
  // Another seed than those of earlier tests: nothing is in the store.
  const always = `--size quick --seed ${crypto.getRandomValues(new Uint32Array(1))[0]} --threads 1 --quiet`;
  const planned = (study: string) => `--rates rates.json --run ${study}.runs ${always}`;
  const about = (study: string) => `fig3 --profile ./${study}.json ${planned(study)}`;
  const lines = (text: string): readonly string[] => text.trimEnd().split("\n");
  const firstOf = async (study: string): Promise<{ readonly plan: string; readonly job: string }> =>
    JSON.parse(lines(await Deno.readTextFile(`${folder}/${study}.runs/submissions.jsonl`))[0] as string);
  const exitOf = async (study: string, name: string): Promise<{ code: number; attempt: number }> =>
    JSON.parse(await Deno.readTextFile(`${folder}/${study}.runs/exits/${name}.json`));
  const seeds = [0, 1, 2];
  try {
    await writeStudy(folder, { name: "pair", seeds, steps: 24 });

    await t.step("a dry run shows the script and submits nothing", async () => {
      const shown = await task(`cluster submit ${about("pair")} --task-time 1s --sbatch mem=100M --dry-run`);
      assertEquals(shown.code, 0, shown.error);
      assertStringIncludes(shown.output, "#SBATCH --array=0-3%16\n");
      assertStringIncludes(shown.output, "#SBATCH --mem=100M\n");
      assert(!await isFile(`${folder}/pair.runs`) && await queueEmpty(slurm));
    });

    await t.step("a killed task is tried again, one put back goes on, the third is left alone", async () => {
      const submitted = await task(`cluster submit ${about("pair")} --task-time 1s`);
      assertEquals(submitted.code, 0, submitted.error);
      assertStringIncludes(submitted.output, "9 parts wait for others");
      const { plan, job } = await firstOf("pair");
      const state = (seed: number) =>
        `${folder}/pair/vectors/base-a/layer-7.seed-${seed}.run/state.safetensors`;
      await until("both runs to begin", async () => await isFile(state(0)) && await isFile(state(1)));
      // The program itself, not the shell that waits for it.
      const killed = await run("bash", [
        "-c",
        `kill -9 $(pgrep -f "work.ts --plan .*${plan}[.]jsonl --index 0$")`,
      ]);
      assertEquals(killed.code, 0, killed.error);
      await run("scontrol", ["requeue", `${job}_1`], { env: slurm.env });
      const twice = await task(`cluster submit ${about("pair")} --task-time 1s`);
      assertStringIncludes(twice.output, "nothing to submit");
      await until("all three runs to end", () => queueEmpty(slurm));
      const exits = await Promise.all(seeds.map((index) => exitOf("pair", `${plan}-${index}`)));
      assertEquals(exits.map(({ code, attempt }) => [code, attempt]), [[0, 2], [0, 2], [0, 1]]);
      const log = await Deno.readTextFile(`${folder}/pair.runs/logs/${job}_1.log`);
      assertStringIncludes(log, "stopping after the step at hand (a signal asks for it)");
    });

    await t.step("what was trained is measured, in arrays of at most MaxArraySize", async () => {
      const submitted = await task(`cluster submit ${about("pair")} --task-time 0.3s`);
      assertEquals(submitted.code, 0, submitted.error);
      const counts = lines(submitted.output).flatMap((line) => /^job \d+: (\d+) tasks/.exec(line)?.[1] ?? []);
      assert(counts.length >= 2 && counts.every((count) => Number(count) <= 3), submitted.output);
      await until("all measurements", () => queueEmpty(slurm));
      const status = await task(`cluster status ${about("pair")}`);
      assertEquals(status.code, 0, status.output);
      assertStringIncludes((await task(`cluster submit ${about("pair")}`)).output, "nothing to submit");
    });

    await t.step("the figure, and the vectors, are those of a run without a cluster", async () => {
      const collected = await task(`cluster collect ${about("pair")} --out with`);
      assertStringIncludes(collected.output, "of earlier runs read, 0 made");
      await writeStudy(folder, { name: "alone", seeds: [0, 1], steps: 24 });
      const { code, error } = await task("zoo --profile ./alone.json --threads 1");
      assertEquals(code, 0, error);
      const files = [0, 1].map((seed) => `layer-7.seed-${seed}.safetensors`);
      await sameFiles(`${folder}/pair/vectors/base-a`, `${folder}/alone/vectors/base-a`, files);
      const without = await task(`reproduce fig3 --profile ./pair.json ${always} --no-cache --out without`);
      assertEquals([without.code, collected.code], [0, 0], without.error);
      await sameFiles(`${folder}/with/pair/fig3`, `${folder}/without/pair/fig3`, FIGURE_FILES);
    });

    await t.step(
      "a task at its time limit saves its state and queues again, as often as it takes",
      async () => {
        await writeStudy(folder, { name: "long", seeds: [0], steps: 120 });
        // A minute is the least limit; Slurm looks so seldom that the signal comes up to half a minute early.
        const submitted = await task(`cluster submit ${about("long")} --sbatch time=1 --warn 50s`);
        assertEquals(submitted.code, 0, submitted.error);
        await until("the long run", () => queueEmpty(slurm), 240);
        const { plan, job } = await firstOf("long");
        const { code, attempt } = await exitOf("long", `${plan}-0`);
        const log = await Deno.readTextFile(`${folder}/long.runs/logs/${job}_0.log`);
        assertEquals(code, 0, log);
        assert(attempt >= 2, log);
        assertStringIncludes(log, "exit code 130 after USR2");
      },
    );

    await t.step("a task that fails is named with node, exit code and log, and not tried again", async () => {
      const bad = await writeStudy(folder, { name: "bad", seeds: [0], steps: 40 });
      // The profile goes away between the submission and the work.
      await Deno.writeTextFile(`${folder}/header`, `rm -f ${bad}\n`);
      assertEquals((await task(`cluster submit ${about("bad")} --header header`)).code, 0);
      await until("the failure", () => queueEmpty(slurm));
      const status = await task(`cluster status ${about("bad")}`);
      assertEquals(status.code, 1);
      const failure = lines(status.output).find((line) => line.startsWith("failed: ")) as string;
      const host = (await run("bash", ["-c", "hostname"])).output.trim();
      assertStringIncludes(failure, "base-a/layer-7.seed-0: ");
      assertStringIncludes(
        failure,
        `exit code 2, bad input, on ${host}, attempt 1: ${folder}/bad.runs/logs/`,
      );
      assertStringIncludes(await Deno.readTextFile(failure.split(": ").at(-1) as string), "error: ");
    });
  } finally {
    await run("scancel", ["--user=root"], { env: slurm.env });
    await slurm.stop();
    await Deno.remove(folder, { recursive: true });
  }
});
