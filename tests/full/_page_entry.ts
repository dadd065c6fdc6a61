/// <reference lib="dom" />
import { fetchFolder } from "../../lib/checkpoint/mod.ts";
import { LanguageModel } from "../../lib/decode/mod.ts";
import { packed, unpacked } from "./_page_codec.ts";

let model: LanguageModel;

/** What a test calls in the page: the model of a folder, and its methods by name; a stream comes as a list. */
const page = {
  async open(folder: string, files: readonly string[]): Promise<string> {
    const path = await fetchFolder(new URL(folder, location.href).href, { files });
    model = await LanguageModel.open(path, { memory: 1e9 });
    return await model.checkpoint.hash() + model.graphHash();
  },
  async call(
    method: "run" | "generate" | "stream" | "logProbs" | "steeringAdjoint",
    args: string,
  ): Promise<string> {
    const call = model[method] as (...given: readonly unknown[]) => Promise<unknown> | AsyncGenerator;
    const result = call.apply(model, unpacked(args) as unknown[]);
    return packed(await (Symbol.asyncIterator in result ? Array.fromAsync(result) : result));
  },
};

Object.assign(globalThis, { page });
