import { InputError } from "../../lib/core/mod.ts";
import { EXIT_CODES } from "../command/fault.ts";
import type { PlanRun } from "./plan_tasks.ts";
import { KILLED, MOST_RETRIES, STOPPED } from "./task_exit.ts";

/** What a script of an array is made of. */
interface SlurmScript extends PlanRun {
  /** Name of the jobs. */
  readonly name: string;
  /** The first task; the array counts from 0. */
  readonly first: number;
  readonly count: number;
  /** Elements at a time. */
  readonly concurrent: number;
  /** Seconds before its time limit at which an element is told to stop. */
  readonly warnSeconds: number;
  /** Options of sbatch, such as `--partition=gpu`. */
  readonly options: readonly string[];
  /** Lines of shell before the work. */
  readonly setUp: readonly string[];
}

/** An element that was stopped is queued again at most so often: against one that never gets anywhere. */
const MOST_REQUEUES = 50;

/** A word as a shell takes it. */
function shellWord(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * The script of an array. The work runs behind the shell, since a trap waits for what runs before it; USR2 comes ahead
 * of the time limit and TERM with a preemption or the limit itself, and both are handed on, so that the work saves its
 * state and exits with 130. Only after USR2 does the script queue its own element again: a preempted one is queued by
 * Slurm, and one that scancel ends is not to come back. USR1 is never used, as Deno opens its debugger on it.
 */
export function slurmScript(script: SlurmScript): string {
  const { folder, plan, first, count, concurrent, warnSeconds, name } = script;
  const options = [
    `--job-name=${name}`,
    `--array=0-${count - 1}%${concurrent}`,
    `--output=${folder}/logs/%A_%a.log`,
    "--open-mode=append",
    "--requeue",
    "--ntasks=1",
    `--signal=B:USR2@${warnSeconds}`,
    ...script.options,
  ];
  return `#!/bin/bash
${options.map((option) => `#SBATCH ${option}`).join("\n")}
folder=${shellWord(folder)}
element="\${SLURM_ARRAY_JOB_ID}_\${SLURM_ARRAY_TASK_ID}"
index=$((SLURM_ARRAY_TASK_ID + ${first}))
note="$folder/exits/${plan}-$index"
attempt=$((\${SLURM_RESTART_COUNT:-0} + 1))
ended() {
  printf '{"code":%d,"node":"%s","job":"%s","log":"%s","attempt":%d}\\n' "$1" "$(hostname)" "$element" \\
    "$folder/logs/$element.log" "$attempt" > "$note.$element.tmp" && mv "$note.$element.tmp" "$note.json"
}
if [ "$((attempt - 1))" -gt ${MOST_REQUEUES} ]; then
  echo "queued again ${MOST_REQUEUES} times, that is enough"
  ended ${EXIT_CODES.bug}; exit ${EXIT_CODES.bug}
fi

told= child= code=${EXIT_CODES.interrupted}
hand_on() { told=$1; if [ -n "$child" ]; then kill -s "$1" "$child" 2> /dev/null; fi; }
trap 'hand_on USR2' USR2
trap 'hand_on TERM' TERM

${["# Set-up", ...script.setUp].join("\n")}

cd ${shellWord(script.root)} || exit ${EXIT_CODES.badInput}
unset INIT_CWD # paths are whole
if [ -z "$told" ]; then
  ${script.command.map(shellWord).join(" ")} --plan "$folder/${plan}.jsonl" --index "$index" &
  child=$!
  if [ -n "$told" ]; then kill -s "$told" "$child"; fi
  # A signal ends the waiting, not the work.
  while true; do
    wait "$child"; code=$?
    kill -0 "$child" 2> /dev/null || break
  done
fi
echo "$(date +%FT%T) $element, attempt $attempt on $(hostname): exit code $code\${told:+ after $told}"
ended "$code"
case "$code" in
  ${STOPPED.join(" | ")}) # stopped, or ended by the signal before it listened
    if [ "$told" = USR2 ]; then scontrol requeue "$element"; fi ;;
  ${KILLED.join(" | ")})
    echo killed >> "$note.killed"
    if [ "$(wc -l < "$note.killed")" -le ${MOST_RETRIES} ]; then scontrol requeue "$element"; fi ;;
esac
exit "$code"
`;
}

/** Options and set-up lines of a file: lines that begin with `#SBATCH` are options, all others run before the work. */
export function readHeader(
  text: string,
): { readonly options: readonly string[]; readonly setUp: readonly string[] } {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#!"));
  const isOption = (line: string): boolean => line.startsWith("#SBATCH ");
  return {
    options: lines.filter(isOption).map((line) => line.slice("#SBATCH ".length).trim()),
    setUp: lines.filter((line) => !isOption(line)),
  };
}

/** What a program of Slurm said. */
interface ClientReply {
  readonly ok: boolean;
  readonly output: string;
  readonly error: string;
}

/** A controller that does not answer keeps its programs waiting for minutes. */
const PATIENCE_MS = 30_000;

const LATER = { repair: "is the cluster up? try again later" };

/**
 * Runs a program of Slurm for at most half a minute.
 *
 * @throws InputError where there is none, and when it does not answer.
 */
export async function slurm(
  client: "sbatch" | "squeue" | "sacct" | "scontrol" | "scancel",
  args: readonly string[],
): Promise<ClientReply> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    const command = new Deno.Command(client, { args: [...args], signal: patience, stdin: "null" });
    const { success, stdout, stderr } = await command.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    if (patience.aborted) throw new InputError(`${client} did not answer in half a minute`, LATER);
    return { ok: success, output: text(stdout), error: text(stderr) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable)) throw error;
    throw new InputError(`there is no ${client} here`, {
      repair: "submit from a machine of the cluster, or use --engine local",
      cause: error,
    });
  }
}

/** What a program of Slurm answers. Throws an InputError, as {@link slurm} and where the program fails. */
export async function slurmAnswer(...call: Parameters<typeof slurm>): Promise<string> {
  const { ok, output, error } = await slurm(...call);
  if (!ok) throw new InputError(`${call[0]} failed, ${error}`, LATER);
  return output;
}

/** Lines of a program's output in fields. */
const rowsOf = (output: string): readonly (readonly string[])[] =>
  output.split("\n").filter((line) => line !== "").map((line) => line.split("|"));

/** Where an element of an array is. */
export interface QueuedElement {
  /** `12_3`. */
  readonly element: string;
  /** RUNNING, PENDING, … */
  readonly state: string;
  /** The node, or why it waits. */
  readonly where: string;
}

/** States of elements that have ended; one that is being put back has others than waiting and running in between. */
const ENDED =
  /^(COMPLETED|CANCELLED|FAILED|TIMEOUT|NODE_FAIL|OUT_OF_MEMORY|BOOT_FAIL|DEADLINE|PREEMPTED|REVOKED)$/;

/** The user's elements that wait or run: one squeue for all. */
export async function queuedElements(): Promise<readonly QueuedElement[]> {
  const args = ["--noheader", "--array", "--me", "--states=all", "--format=%i|%T|%R"];
  return rowsOf(await slurmAnswer("squeue", args))
    .map(([element = "", state = "", where = ""]) => ({ element, state, where }))
    .filter(({ state }) => !ENDED.test(state));
}

/**
 * What became of elements of an array that no longer wait nor run, by element: of accounting, or where there is none of
 * the controller, which forgets jobs after a while.
 */
export async function endedElements(job: string): Promise<ReadonlyMap<string, string>> {
  const counted = await slurm("sacct", [
    ...["--noheader", "--parsable2", "--allocations", "--array", `--jobs=${job}`],
    "--format=JobID,State,ExitCode,NodeList",
  ]);
  const rows = counted.ok ? [...rowsOf(counted.output)] : [];
  if (rows.length === 0) {
    const shown = await slurm("scontrol", ["--oneliner", "show", "job", job]);
    for (const line of shown.ok ? shown.output.split("\n") : []) {
      const value = (name: string): string => new RegExp(`\\b${name}=(\\S+)`).exec(line)?.[1] ?? "";
      const element = `${value("ArrayJobId") || value("JobId")}_${value("ArrayTaskId")}`;
      rows.push([element, ...["JobState", "ExitCode", "NodeList"].map(value)]);
    }
  }
  return new Map(
    rows.map(([element = "", state, code, node]) => [element, `${state}, exit code ${code}, on ${node}`]),
  );
}

/** Slurm's own MaxArraySize, where no cluster is asked for its own. */
export const USUAL_ELEMENTS = 1001;

/** Elements that one array may have: indices go from 0 to one below MaxArraySize. */
export async function mostElements(): Promise<number> {
  const found = /^MaxArraySize\s*=\s*(\d+)/m.exec(await slurmAnswer("scontrol", ["show", "config"]))?.[1];
  if (found !== undefined) return Number(found);
  throw new InputError("scontrol names no MaxArraySize", { repair: "give --array-limit" });
}
