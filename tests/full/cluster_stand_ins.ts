/**
 * What `cluster` does where a real cluster of one node is hard to bring to it: programs stand in for Slurm's, and answer
 * as these do. The local engine runs for real.
 *
 *     deno task test:cluster
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { slurmScript } from "../../tasks/cluster/slurm.ts";
import { run } from "./_one_node_slurm.ts";
import { FIGURE_FILES, sameFiles, tasksIn, writeStudy } from "./_small_study.ts";

/** A folder with programs by name, each a shell script, and the environment that finds them first. */
async function withPrograms(
  programs: Readonly<Record<string, string>>,
  body: (folder: string, env: Readonly<Record<string, string>>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "stand-ins-" }));
  try {
    await Deno.mkdir(`${folder}/bin`);
    for (const [name, text] of Object.entries(programs)) {
      const path = `${folder}/bin/${name}`;
      await Deno.writeTextFile(path, `#!/bin/bash\ncd ${folder}\n${text}\n`, { mode: 0o755 });
    }
    await body(folder, { PATH: `${folder}/bin:${Deno.env.get("PATH")}` });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Slurm's programs: sbatch takes as many arrays as the file `room` says, squeue shows the file `queue`. */
const SLURM = {
  sbatch: `echo . >> taken
if [ "$(wc -l < taken)" -gt "$(cat room)" ]; then
  echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2; exit 1
fi
echo $((1000 + $(wc -l < taken)))`,
  squeue: "echo . >> asked; cat queue",
  sacct: "exit 1",
  scontrol: `if [ "$2" = config ]; then echo "MaxArraySize            = 2"; fi
if [ "$3" = job ]; then echo "JobId=$4 ArrayJobId=$4 ArrayTaskId=0 JobState=NODE_FAIL ExitCode=0:9 NodeList=n7"; fi`,
  scancel: `echo "$@" > cancelled`,
};

const count = async (path: string): Promise<number> => (await Deno.readTextFile(path)).split("\n").length - 1;

Deno.test("a submission that fails half-way is taken up where it was, and status asks for the queue once in half a minute", () =>
  withPrograms(SLURM, async (folder, env) => {
    const task = tasksIn(folder, env);
    await writeStudy(folder, { name: "half", seeds: [0, 1, 2, 3, 4], steps: 4 });
    await Deno.writeTextFile(`${folder}/queue`, "");
    await Deno.writeTextFile(`${folder}/room`, "2");
    const seed = crypto.getRandomValues(new Uint32Array(1))[0];
    const about =
      `fig3 --profile ./half.json --size quick --rates rates.json --run runs --seed ${seed} --quiet`;
    // Five runs and a task of what is measured on the base model: arrays of two.
    const first = await task(`cluster submit ${about} --task-time 1s`);
    assertEquals(first.code, 2);
    assertStringIncludes(
      first.error,
      "the cluster took 4 of 6 tasks, then sbatch said: sbatch: error: QOSMax",
    );
    assertStringIncludes(first.error, "submit again later");

    await Deno.writeTextFile(`${folder}/room`, "9");
    const queue =
      "1001_0|RUNNING|n1\n1001_1|PENDING|(Resources)\n1002_0|PENDING|(Resources)\n1002_1|PENDING|(Resources)\n";
    await Deno.writeTextFile(`${folder}/queue`, queue);
    const limited = await task(`cluster submit ${about} --task-time 1s --submit-limit 5`);
    assertStringIncludes(limited.output, "job 1004: 1 tasks");
    assertStringIncludes(limited.output, "1 tasks are beyond --submit-limit");

    await Deno.writeTextFile(`${folder}/queue`, `${queue}1004_0|PENDING|(Priority)\n`);
    const before = await count(`${folder}/asked`);
    const status = await task(`cluster status ${about}`), again = await task(`cluster status ${about}`);
    assertEquals(await count(`${folder}/asked`), before + 1);
    assertStringIncludes(again.output, "it is asked at most every half minute");
    const row = (name: string) => new RegExp(`\\| ${name} +\\| +(\\d+)`).exec(status.output)?.[1];
    assertEquals(["done", "running", "waiting", "failed"].map(row), ["0", "1", "4", "0"]);
    assertStringIncludes(status.output, "1001_0, RUNNING n1");

    // Later: one has gone without a word, and Slurm keeps no accounts.
    await Deno.remove(`${folder}/runs/queue.json`);
    await Deno.writeTextFile(`${folder}/queue`, queue.slice(queue.indexOf("\n") + 1));
    const gone = await task(`cluster status ${about}`);
    assertEquals(gone.code, 1);
    assertStringIncludes(
      gone.output,
      "failed: base-a/layer-7.seed-0: 1001_0, NODE_FAIL, exit code 0:9, on n7: ",
    );
    await Deno.writeTextFile(`${folder}/queue`, `${queue}1004_0|PENDING|(Priority)\n`);

    assertStringIncludes(
      (await task(`cluster cancel ${about}`)).output,
      "cancelled: job 1001, job 1002, job 1004",
    );
    assertEquals(await Deno.readTextFile(`${folder}/cancelled`), "1001 1002 1004\n");
  }));

Deno.test("the script queues its element again after USR2 and, twice, after a kill, and never otherwise", () =>
  withPrograms({
    scontrol: `echo "$@" >> requeued`,
    // Sends its shell the signal of its first argument, if it has one, then ends with the code of the second.
    worker: `trap 'exit 130' USR2 TERM
if [ "$1" != none ]; then kill -s "$1" $PPID; sleep 5 & wait; fi
exit "$2"`,
  }, async (folder, env) => {
    await Deno.mkdir(`${folder}/exits`);
    const element = { SLURM_ARRAY_JOB_ID: "7", SLURM_ARRAY_TASK_ID: "3" };
    const end = async (signal: string, code: number, more: Readonly<Record<string, string>> = {}) => {
      await Deno.writeTextFile(
        `${folder}/script.sh`,
        slurmScript({
          ...{
            name: "n",
            folder,
            plan: "plan-1",
            first: 10,
            count: 5,
            concurrent: 5,
            warnSeconds: 60,
            root: folder,
          },
          ...{ options: [], setUp: [], command: [`${folder}/bin/worker`, signal, String(code)] },
        }),
      );
      await Deno.writeTextFile(`${folder}/requeued`, "");
      const ended = await run("bash", [`${folder}/script.sh`], { env: { ...env, ...element, ...more } });
      return [ended.code, await Deno.readTextFile(`${folder}/requeued`)];
    };
    for (const code of [0, 1, 2, 70]) assertEquals(await end("none", code), [code, ""]);
    assertEquals(await end("USR2", 0), [130, "requeue 7_3\n"]);
    assertEquals(await end("TERM", 0), [130, ""]);
    assertEquals(await end("none", 137), [137, "requeue 7_3\n"]);
    assertEquals(await end("none", 137), [137, "requeue 7_3\n"]);
    assertEquals(await end("none", 137), [137, ""]);
    assertEquals(await end("none", 0, { SLURM_RESTART_COUNT: "51" }), [70, ""]);
    const note = JSON.parse(await Deno.readTextFile(`${folder}/exits/plan-1-13.json`));
    assertEquals([note.code, note.job, note.attempt, note.log], [70, "7_3", 52, `${folder}/logs/7_3.log`]);
  }));

Deno.test("the local engine makes runs, then what is measured on them, with the bytes of a run without it", () =>
  withPrograms({}, async (folder, env) => {
    const task = tasksIn(folder, env), seed = crypto.getRandomValues(new Uint32Array(1))[0];
    await writeStudy(folder, { name: "local", seeds: [0, 1], steps: 6 });
    const always = `--size quick --seed ${seed} --threads 1 --quiet`;
    const about = `fig3 --profile ./local.json --rates rates.json --run runs ${always}`;
    const ended = await task(`cluster submit ${about} --engine local --jobs 2 --task-time 1s`);
    assertEquals(ended.code, 0, ended.output + ended.error);
    assertStringIncludes(ended.output, "every part that can be made here is there");
    const status = await task(`cluster status ${about}`);
    assertEquals(status.code, 0, status.output);
    const collected = await task(`cluster collect ${about} --out with`);
    assertStringIncludes(collected.output, "of earlier runs read, 0 made");
    const without = await task(`reproduce fig3 --profile ./local.json ${always} --no-cache --out without`);
    assertEquals([without.code, collected.code], [0, 0], without.error);
    await sameFiles(`${folder}/with/local/fig3`, `${folder}/without/local/fig3`, FIGURE_FILES);
    const shared = await task(`cluster submit ${about} --engine local --device cuda --jobs 2`);
    assertEquals(shared.code, 2);
    assertStringIncludes(shared.error, "2 processes would share 1 GPUs");
  }));
