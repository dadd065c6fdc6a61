/// <reference lib="dom" />
import { fetchFolder } from "../../lib/checkpoint/mod.ts";
import { LanguageModel } from "../../lib/decode/mod.ts";
import { packed, unpacked } from "./_page_codec.ts";

/** What a test calls in the page: models by folder, and their methods by name. */
const models = new Map<string, LanguageModel>();

const page = {
  async open(folder: string, files: readonly string[]): Promise<string> {
    const model = await LanguageModel.open(
      await fetchFolder(new URL(folder, location.href).href, { files }),
      { memory: 1e9 },
    );
    models.set(folder, model);
    return await model.checkpoint.hash() + model.graphHash();
  },
  async call(
    folder: string,
    method: "run" | "generate" | "logProbs" | "steeringAdjoint",
    args: string,
  ): Promise<string> {
    const model = models.get(folder) as LanguageModel;
    const call = model[method] as (...given: readonly unknown[]) => Promise<unknown>;
    return packed(await call.apply(model, unpacked(args) as unknown[]));
  },
};

Object.assign(globalThis, { page });
