import { InputError } from "../../lib/core/mod.ts";
import { type FreshConfig, parsePretrainConfig } from "../../lib/train/mod.ts";
import { modelFolder, writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { fileURLToPath } from "node:url";

const ZOO = new URL("../../fixtures/embedded/", import.meta.url);

/** The settings that base A of the zoo is pretrained with. */
export async function basePretrainConfig(): Promise<FreshConfig> {
  const path = fileURLToPath(new URL("base-a.pretrain.json", ZOO));
  const config = parsePretrainConfig(JSON.parse(await Deno.readTextFile(path)), { where: path });
  if (config.from !== undefined) throw new InputError("base A starts at random weights", { where: path });
  return config;
}

/**
 * The model to measure: the folder given, else base A of the zoo, else random weights of the same shape written
 * into `scratch`. Speed does not depend on what the weights are, so all three give the same figures.
 */
export async function benchModel(
  given: string | undefined,
  options: { readonly scratch: string },
): Promise<string> {
  // The programs that measure may not read the variables that say where the hub cache is.
  if (given !== undefined) return await modelFolder(given);
  const base = fileURLToPath(new URL("base-a", ZOO));
  const shipped = await Deno.stat(`${base}/config.json`).then(() => true, () => false);
  if (shipped) return base;
  const folder = `${options.scratch}/random-model`;
  const { model } = await basePretrainConfig();
  await writeRandomCheckpoint(folder, { config: model, dtype: "bfloat16", seed: 0 });
  return folder;
}
