import {
  float32Tensor,
  pathExists,
  readSafetensorsHeader,
  readTensor,
  writeFileAtomic,
  writeSafetensors,
} from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import type { AdamWState, Parameters } from "./adamw.ts";

/** What a training run leaves on disk to go on from: values, moments, the log so far. */
export interface TrainingState {
  /** Hash of everything that decides the run; a state of another run is refused. */
  readonly runHash: string;
  /** Values of everything that is trained. */
  readonly parameters: Parameters;
  /** Moments, and the number of finished steps. */
  readonly optimizer: AdamWState;
  /** One JSON line per finished step. */
  readonly log: readonly string[];
}

type Values = Map<string, Float32Array>;

const STATE_FILE = "state.safetensors";
const LOG_FILE = "log.jsonl";

/**
 * Writes a state so that a killed run finds either the old state or the new one, never half of one. The log goes
 * into the state too: the file beside it is for reading. Throws an `InputError` when `folder` cannot be written.
 */
export async function saveTrainingState(folder: string, state: TrainingState): Promise<void> {
  const { first, second } = state.optimizer;
  const tensors = Object.fromEntries(
    Object.entries({ value: state.parameters, first, second }).flatMap(([group, values]) =>
      [...values].map(([name, data]) => [`${group}/${name}`, float32Tensor(data)])
    ),
  );
  await writeSafetensors(`${folder}/${STATE_FILE}`, {
    tensors,
    metadata: { run: state.runHash, step: String(state.optimizer.step), log: state.log.join("\n") },
  });
  await writeTrainingLog(folder, state.log);
}

/**
 * Writes the log as `log.jsonl`, one JSON line per step. Throws an `InputError` when `folder` cannot be written.
 */
export async function writeTrainingLog(folder: string, log: readonly string[]): Promise<void> {
  await writeFileAtomic(`${folder}/${LOG_FILE}`, log.map((line) => `${line}\n`).join(""));
}

/**
 * The state in a folder, or null where there is none (a folder that is not there has none). Throws an `InputError`
 * when it belongs to another run or is damaged.
 */
export async function loadTrainingState(folder: string, runHash: string): Promise<TrainingState | null> {
  const path = `${folder}/${STATE_FILE}`;
  if (!await pathExists(path)) return null;
  const file = await readSafetensorsHeader(path);
  const run = file.metadata.get("run"), step = file.metadata.get("step"), log = file.metadata.get("log");
  if (run !== runHash) {
    throw new InputError("the unfinished run in this folder has other settings", {
      where: path,
      repair: "resume with the settings it was started with, or give another --out",
    });
  }
  const damaged = (what: string) =>
    new InputError(`the unfinished run in this folder is damaged, ${what}`, {
      where: path,
      repair: "remove the file and start again",
    });
  if (step === undefined || !/^\d+$/.test(step)) throw damaged("it does not say how many steps are done");
  const groups = new Map(
    ["value", "first", "second"].map((group) => [group, new Map<string, Float32Array>()]),
  );
  for (const [name, entry] of file.tensors) {
    const cut = name.indexOf("/");
    const group = groups.get(name.slice(0, cut));
    if (group === undefined) throw damaged(`it holds "${name}"`);
    group.set(name.slice(cut + 1), await readTensor(entry));
  }
  const [parameters, first, second] = [...groups.values()] as [Values, Values, Values];
  return {
    runHash,
    parameters,
    optimizer: { step: Number(step), first, second },
    log: log === undefined || log === "" ? [] : log.split("\n"),
  };
}

/** Removes the state of a finished run; the log stays. A folder without a state is left as it is. */
export async function dropTrainingState(folder: string): Promise<void> {
  const path = `${folder}/${STATE_FILE}`;
  if (await pathExists(path)) await Deno.remove(path);
}
