import { z } from "zod";
import { InputError } from "../../lib/core/mod.ts";

const RUN = z.object({
  startedAt: z.string(),
  seconds: z.number().min(0),
  command: z.string(),
  measurements: z.object({ made: z.int(), read: z.int() }),
  machine: z.object({ system: z.string(), cpu: z.string() }),
});

/** How an item was reproduced: what is read of its run.json. */
type RunFile = z.infer<typeof RUN>;

/** The facts of a run from the text of its run.json; an InputError where it is none. */
export function parseRun(text: string, path: string): RunFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null; // the schema refuses it
  }
  const run = RUN.safeParse(value);
  if (run.success) return run.data;
  throw new InputError("not the facts of a run", { where: path, repair: "reproduce the item again" });
}
