import { readSafetensorsHeader } from "../../lib/checkpoint/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import { exists } from "../command/output_place.ts";

/** Steps that the unfinished run in a folder has made, or null where there is none. */
export async function unfinishedSteps(folder: string): Promise<number | null> {
  const path = `${folder}/state.safetensors`;
  if (!await exists(path)) return null;
  return Number((await readSafetensorsHeader(path)).metadata.get("step"));
}

/**
 * Whether a training run may start: with `resume` there must be an unfinished run to go on with, without it there
 * must be none, nor a finished result, unless `force` gives both up. Returns the steps that are already made.
 */
export async function stepsToGoOnFrom(
  place: {
    /** The folder of the run's state. */
    readonly folder: string;
    /** The file that says that the run came to its end. */
    readonly result: string;
  },
  options: { readonly resume: boolean; readonly force: boolean },
): Promise<number> {
  const { folder, result } = place;
  const { resume, force } = options;
  if (resume && force) {
    throw new InputError("--resume goes on and --force starts over", { repair: "give one of them" });
  }
  if (force) return 0;
  const steps = await unfinishedSteps(folder);
  if (steps !== null && resume) return steps;
  if (steps !== null) {
    throw new InputError(`there is an unfinished run of ${steps} steps`, {
      where: folder,
      repair: "pass --resume to go on, --force to start over, or another --out",
    });
  }
  if (await exists(result)) {
    throw new InputError("there is a finished result", {
      where: result,
      repair: "pass --force to replace it, or another --out",
    });
  }
  if (resume) {
    throw new InputError("there is no unfinished run to resume", {
      where: folder,
      repair: "leave --resume out to start one",
    });
  }
  return 0;
}
