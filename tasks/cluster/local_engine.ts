import { writeFileAtomic } from "../../lib/checkpoint/mod.ts";
import type { PlanRun, PlanTask } from "./plan_tasks.ts";
import { afterExit, exitPath, MOST_RETRIES } from "./task_exit.ts";

/** How tasks run in processes of this machine. */
interface LocalRun extends PlanRun {
  /** Processes at a time. */
  readonly jobs: number;
  /** GPUs, one for each process; empty on the CPU. */
  readonly gpus: readonly string[];
  readonly signal: AbortSignal;
  /** Told when a task has ended for good. */
  readonly onEnd: (task: PlanTask, code: number, log: string) => void;
}

/** GPUs that this process may use: those of CUDA_VISIBLE_DEVICES, or the first. */
export function visibleGpus(variable: string | undefined): readonly string[] {
  const named = (variable ?? "0").split(",").map((name) => name.trim()).filter((name) => name !== "");
  return named.includes("-1") ? [] : named;
}

/** Runs one process, what it says going to the end of a log. Resolves to its exit code. */
async function runOnce(
  [program, ...args]: readonly [string, ...string[]],
  options: {
    readonly log: string;
    readonly gpu: string | undefined;
    readonly root: string;
    readonly signal: AbortSignal;
  },
): Promise<number> {
  const { log, gpu, signal } = options, file = await Deno.open(log, { create: true, append: true });
  // A task's paths are whole: it stands where the project is.
  const env = { INIT_CWD: "", ...(gpu === undefined ? {} : { CUDA_VISIBLE_DEVICES: gpu }) };
  const child = new Deno.Command(program, {
    ...{ args, env, cwd: options.root },
    ...{ stdin: "null", stdout: "piped", stderr: "piped" } as const,
  }).spawn();
  const stop = (): void => child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) stop();
    await Promise.all([child.stdout, child.stderr].map(async (stream) => {
      for await (const bytes of stream) file.writeSync(bytes);
    }));
    return (await child.status).code;
  } finally {
    signal.removeEventListener("abort", stop);
    file.close();
  }
}

/** Runs tasks, so many at a time, each in a process of its own, until all have ended or the signal stops them. */
export async function runLocally(tasks: readonly PlanTask[], run: LocalRun): Promise<void> {
  const { folder, plan, root, signal } = run, waiting = [...tasks.keys()];
  const workOn = async (place: number): Promise<void> => {
    for (let index = waiting.shift(); index !== undefined && !signal.aborted; index = waiting.shift()) {
      const log = `${folder}/logs/${plan}-${index}.log`;
      const command = [
        ...run.command,
        "--plan",
        `${folder}/${plan}.jsonl`,
        "--index",
        String(index),
      ] as const;
      for (let attempt = 1;; attempt++) {
        const code = await runOnce(command, { log, gpu: run.gpus[place], root, signal });
        const record = { code, node: "this machine", job: "local", log, attempt };
        await writeFileAtomic(exitPath(folder, { plan, index }), JSON.stringify(record));
        if (afterExit(code) === "retry" && attempt <= MOST_RETRIES && !signal.aborted) continue;
        run.onEnd(tasks[index] as PlanTask, code, log);
        break;
      }
    }
  };
  await Promise.all(Array.from({ length: run.jobs }, (_, place) => workOn(place)));
}
