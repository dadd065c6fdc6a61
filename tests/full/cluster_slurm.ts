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
import { type Ended, type OneNodeSlurm, run, startSlurm, until, whyNoSlurm } from "./_one_node_slurm.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const lacking = await whyNoSlurm();
if (lacking !== null) console.error(`skipped, ${lacking}: the tests of Slurm`);

/** A study on base A of two runs and one figure, with rates so that nothing is measured for them. */
async function writeStudy(
  folder: string,
  options: { readonly name: string; readonly seeds: readonly number[]; readonly steps: number },
): Promise<string> {
  const { name, seeds, steps } = options, path = `${folder}/${name}.json`;
  const size = { problems: 2, swept: 2, evaluationSeeds: 1, traced: 4, read: 2, maxNewTokens: 48 };
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      ...{
        name,
        title: "a small study",
        folder: name,
        problems: ["linear"],
        template: "embedded",
        grader: "box-number",
      },
      sizes: { full: size, quick: size },
      settings: {
        ...{
          steps,
          prompts: 2,
          samples: 4,
          maxNewTokens: 48,
          warmupShare: 0,
          maxNorm: 2,
          families: ["linear"],
        },
      },
      models: [{
        ...{ name: "base-a", role: "a", title: "Base A", opener: "To" },
        source: {
          folder: `${ROOT}fixtures/embedded/base-a`,
          layers: 8,
          hash: null,
          command: "it is shipped",
        },
        runs: [{ run: "layer-7", learningRates: [0.1], seeds }],
      }],
    }),
  );
  await Deno.writeTextFile(
    `${folder}/rates.json`,
    JSON.stringify({
      ...{ source: "by hand", device: "cpu", parameters: 1.4e6, promptTokens: 30, answerTokens: 24 },
      ...{ generatedTokensPerSecond: 1000, gradientTokensPerSecond: 2000 },
    }),
  );
  return path;
}

/** `deno task` in a folder. */
function tasksIn(folder: string, env: Readonly<Record<string, string>>) {
  return async (...args: string[]): Promise<Ended> =>
    await run("deno", ["task", "--quiet", "--config", `${ROOT}deno.json`, ...args], { env, cwd: folder });
}

/** The process that does a task of a plan. */
function workerOf(plan: string, index: number): number | null {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    let words: string[] = [];
    try {
      words = Deno.readTextFileSync(`/proc/${name}/cmdline`).split("\0");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Error)) throw error; // it has just ended
    }
    const ours = words.some((word) => word.endsWith(`/${plan}.jsonl`)) && words.includes("tasks/work.ts");
    if (ours && words[words.indexOf("--index") + 1] === String(index)) return Number(name);
  }
  return null;
}

const isFile = async (path: string): Promise<boolean> => await Deno.stat(path).then(() => true, () => false);

/** Queued elements that were put back wait two minutes for nothing but Slurm's politeness. */
async function startHeld({ env }: OneNodeSlurm): Promise<void> {
  const { output } = await run("squeue", ["--noheader", "--array", "--format=%i|%T|%r"], { env });
  for (const line of output.split("\n").filter((line) => line.includes("|PENDING|BeginTime"))) {
    await run("scontrol", ["update", `jobid=${line.split("|")[0]}`, "StartTime=now"], { env });
  }
}

async function queueEmpty(slurm: OneNodeSlurm): Promise<boolean> {
  await startHeld(slurm);
  const { output, code } = await run("squeue", ["--noheader"], { env: slurm.env });
  return code === 0 && output.trim() === "";
}

const exitOf = async (
  folder: string,
  plan: string,
  index: number,
): Promise<{ code: number; attempt: number }> =>
  JSON.parse(await Deno.readTextFile(`${folder}/exits/${plan}-${index}.json`));

async function sameFiles(one: string, other: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const [a, b] = [await Deno.readFile(`${one}/${name}`), await Deno.readFile(`${other}/${name}`)];
    assert(a.length === b.length && a.every((byte, at) => byte === b[at]), `${name} differs`);
  }
}

const FIGURE_FILES = ["metrics.json", "spec.vl.json", "figure.svg", "figure.png"];

Deno.test({
  name:
    "a study over Slurm, with tasks killed, put back and stopped at their limit, gives the bytes of one without",
  ignore: lacking !== null,
  async fn(t) {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "cluster-" }));
    const slurm = await startSlurm(`${folder}/slurm`, { maxArraySize: 3 });
    try {
      const task = tasksIn(folder, slurm.env), runFolder = `${folder}/run`;
      const lines = (text: string) => text.trimEnd().split("\n");
      const planOf = async (): Promise<string> =>
        JSON.parse(lines(await Deno.readTextFile(`${runFolder}/submissions.jsonl`)).at(-1) as string).plan;
      const study = await writeStudy(folder, { name: "pair", seeds: [0, 1, 2], steps: 40 });
      const about = [
        "fig3",
        "--profile",
        study,
        "--size",
        "quick",
        "--rates",
        "rates.json",
        "--run",
        runFolder,
        "--quiet",
      ];

      await t.step("a dry run shows the script and submits nothing", async () => {
        const shown = await task(
          "cluster",
          "submit",
          ...about,
          "--task-time",
          "1s",
          "--sbatch",
          "mem=100M",
          "--dry-run",
        );
        assertEquals(shown.code, 0, shown.error);
        assertStringIncludes(shown.output, "#SBATCH --array=0-3%16\n");
        assertStringIncludes(shown.output, "#SBATCH --mem=100M\n");
        assert(!await isFile(runFolder) && await queueEmpty(slurm));
      });

      await t.step(
        "a killed task is tried again, one that is put back goes on, the third is left alone",
        async () => {
          const submitted = await task("cluster", "submit", ...about, "--task-time", "1s");
          assertEquals(submitted.code, 0, submitted.error);
          assertStringIncludes(submitted.output, "9 parts wait for others");
          const plan = await planOf(),
            job =
              JSON.parse(lines(await Deno.readTextFile(`${runFolder}/submissions.jsonl`))[0] as string).job;
          const begun = (seed: number) =>
            isFile(`${folder}/pair/vectors/base-a/layer-7.seed-${seed}.run/state.safetensors`);
          await until("both runs to begin", async () => await begun(0) && await begun(1));
          const twice = await task("cluster", "submit", ...about, "--task-time", "1s");
          assertStringIncludes(twice.output, "nothing to submit");
          await run("bash", ["-c", `kill -9 ${workerOf(plan, 0)}`]);
          await run("scontrol", ["requeue", `${job}_1`], { env: slurm.env });
          await until("all three runs to end", () => queueEmpty(slurm));
          const exits = await Promise.all([0, 1, 2].map((index) => exitOf(runFolder, plan, index)));
          assertEquals(exits.map(({ code, attempt }) => [code, attempt]), [[0, 2], [0, 2], [0, 1]]);
          const log = await Deno.readTextFile(`${runFolder}/logs/${job}_1.log`);
          assertStringIncludes(log, "stopping after the step at hand (a signal asks for it)");
        },
      );

      await t.step(
        "what was trained is submitted as measurements, in arrays of at most MaxArraySize",
        async () => {
          const submitted = await task("cluster", "submit", ...about, "--task-time", "0.01s");
          assertEquals(submitted.code, 0, submitted.error);
          const counts = lines(submitted.output).flatMap((line) =>
            /^job \d+: (\d+) tasks/.exec(line)?.[1] ?? []
          );
          assert(counts.length >= 3 && counts.every((count) => Number(count) <= 3), submitted.output);
          await until("all measurements", () => queueEmpty(slurm));
          const status = await task("cluster", "status", ...about);
          assertEquals(status.code, 0, status.output);
          const again = await task("cluster", "submit", ...about);
          assertStringIncludes(again.output, "nothing to submit");
        },
      );

      await t.step("the figure, and the vectors, are those of a run without a cluster", async () => {
        const collected = await task("cluster", "collect", ...about, "--out", "with");
        assertStringIncludes(collected.output, "of earlier runs read, 0 made");
        const { code, error } = await task(
          "zoo",
          "--profile",
          await writeStudy(folder, { name: "alone", seeds: [0, 1, 2], steps: 40 }),
        );
        assertEquals(code, 0, error);
        await sameFiles(
          `${folder}/pair/vectors/base-a`,
          `${folder}/alone/vectors/base-a`,
          [0, 1, 2].map((seed) => `layer-7.seed-${seed}.safetensors`),
        );
        const without = await task(
          "reproduce",
          "fig3",
          "--profile",
          study,
          "--size",
          "quick",
          "--no-cache",
          "--quiet",
          "--out",
          "without",
        );
        assertEquals([without.code, collected.code], [0, 0], without.error);
        await sameFiles(`${folder}/with/pair/fig3`, `${folder}/without/pair/fig3`, FIGURE_FILES);
      });

      await t.step(
        "a task that reaches its time limit saves its state and is queued again, as often as it takes",
        async () => {
          const long = await writeStudy(folder, { name: "long", seeds: [0], steps: 150 });
          const args = [
            "fig3",
            "--profile",
            long,
            "--size",
            "quick",
            "--rates",
            "rates.json",
            "--run",
            `${folder}/long-run`,
            "--quiet",
          ];
          // A minute is the least limit; Slurm looks so seldom that the signal comes up to half a minute early.
          const submitted = await task("cluster", "submit", ...args, "--sbatch", "time=1", "--warn", "50s");
          assertEquals(submitted.code, 0, submitted.error);
          await until("the long run", () => queueEmpty(slurm), 240);
          const [{ plan, job }] = lines(await Deno.readTextFile(`${folder}/long-run/submissions.jsonl`)).map((
            line,
          ) => JSON.parse(line));
          const { code, attempt } = await exitOf(`${folder}/long-run`, plan, 0);
          const log = await Deno.readTextFile(`${folder}/long-run/logs/${job}_0.log`);
          assertEquals(code, 0, log);
          assert(attempt >= 2, log);
          assertStringIncludes(log, "interrupted: the same command goes on");
        },
      );

      await t.step(
        "a task that fails is named with node, exit code and log, and is not tried again",
        async () => {
          const bad = await writeStudy(folder, { name: "bad", seeds: [0], steps: 40 });
          const args = [
            "fig3",
            "--profile",
            bad,
            "--size",
            "quick",
            "--rates",
            "rates.json",
            "--run",
            `${folder}/bad-run`,
            "--quiet",
          ];
          // The profile goes away between the submission and the work.
          await Deno.writeTextFile(`${folder}/header`, `rm -f ${bad}\n`);
          assertEquals((await task("cluster", "submit", ...args, "--header", "header")).code, 0);
          await until("the failure", () => queueEmpty(slurm));
          const status = await task("cluster", "status", ...args);
          assertEquals(status.code, 1);
          const [failure] = lines(status.output).filter((line) => line.startsWith("failed: "));
          const host = (await run("bash", ["-c", "hostname"])).output.trim();
          assertStringIncludes(failure as string, `base-a/layer-7.seed-0: `);
          assertStringIncludes(
            failure as string,
            `exit code 2, bad input, on ${host}, attempt 1: ${folder}/bad-run/logs/`,
          );
          const log = (failure as string).split(": ").at(-1) as string;
          assertStringIncludes(await Deno.readTextFile(log), "error: ");
        },
      );
    } finally {
      await run("scancel", ["--user=root"], { env: slurm.env });
      await slurm.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
});
