import { GOLDEN_CONFIGS, writeGoldenCheckpoint } from "../../fixtures/golden/tiny_models_cases.ts";
import { type Checkpoint, openCheckpoint } from "../../lib/checkpoint/mod.ts";
import { golden, withFolder } from "../checkpoint/_folder.ts";

interface GoldenFile {
  readonly cases: Readonly<
    Record<string, {
      readonly float32_error: Readonly<Record<string, number>>;
      readonly values: Readonly<
        Record<string, { readonly dims: readonly number[]; readonly float32: string }>
      >;
    }>
  >;
}

/** A stored tensor of the golden file. */
export interface GoldenValue {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Names of the golden cases. */
export const GOLDEN_NAMES: readonly string[] = Object.keys(GOLDEN_CONFIGS);

/** The stored tensors of one case by name. */
export async function goldenValues(name: string): Promise<ReadonlyMap<string, GoldenValue>> {
  const file = await golden<GoldenFile>("tiny_models.json");
  const values = file.cases[name]?.values;
  if (values === undefined) throw new RangeError(`the golden file has no case "${name}"`);
  return new Map(
    Object.entries(values).map(([key, { dims, float32 }]) => {
      const bytes = Uint8Array.from(atob(float32), (char) => char.charCodeAt(0));
      return [key, { dims, data: new Float32Array(bytes.buffer) }];
    }),
  );
}

/** Runs a body with the checkpoint of one case in a temporary folder. */
export async function withGoldenModel(
  name: string,
  body: (checkpoint: Checkpoint) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    await writeGoldenCheckpoint(folder, name);
    await body(await openCheckpoint(folder));
  });
}
