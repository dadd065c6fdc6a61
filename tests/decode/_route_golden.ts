import { type RouteInputs, routeInputs, writeRouteCheckpoint } from "../../fixtures/golden/routes_cases.ts";
import { readSafetensorsHeader, readTensor } from "../../lib/checkpoint/mod.ts";
import { LanguageModel } from "../../lib/decode/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";

/** What the twin of one golden case says, by name, and what it was asked. */
export interface RouteGolden {
  readonly inputs: RouteInputs;
  readonly values: ReadonlyMap<string, { readonly dims: readonly number[]; readonly data: Float32Array }>;
}

/** Runs a body with the model of one case, on one thread, and its golden values. */
export async function withRouteGolden(
  name: string,
  body: (model: LanguageModel, golden: RouteGolden) => Promise<void>,
): Promise<void> {
  const path = new URL(`../../fixtures/golden/routes/${name}.safetensors`, import.meta.url);
  const file = await readSafetensorsHeader(path.pathname);
  const values = new Map(
    await Promise.all(
      [...file.tensors].map(async ([key, entry]) =>
        [key, { dims: entry.dims, data: await readTensor(entry) }] as const
      ),
    ),
  );
  await withFolder(async (folder) => {
    await writeRouteCheckpoint(folder, name);
    const model = await LanguageModel.open(folder, { threads: 1 });
    try {
      await body(model, { inputs: routeInputs(name), values });
    } finally {
      await model.release();
    }
  });
}
