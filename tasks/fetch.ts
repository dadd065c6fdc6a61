import { fetchModel, hubCacheFolder, parseHubId } from "../lib/checkpoint/mod.ts";
import { defineCommand, main } from "./_command.ts";
import { Progress } from "./_progress.ts";

/** Brings a model from the Hugging Face hub into the hub cache, where every other command finds it. */
export const fetch = defineCommand({
  name: "fetch",
  summary: "Fetches a model of the Hugging Face hub into the hub cache; no other command uses the network.",
  positionals: {
    metavar: "OWNER/NAME@REVISION",
    help: "Branch, tag or commit (default: main)",
    least: 1,
    most: 1,
  },
  flags: {
    "hub-cache": {
      kind: "string",
      metavar: "DIR",
      help: "Folder of the hub cache (default: HF_HUB_CACHE, HF_HOME/hub, ~/.cache/huggingface/hub)",
    },
    hub: {
      kind: "string",
      default: "https://huggingface.co",
      metavar: "URL",
      help: "Address of the hub",
    },
  },
  examples: [
    ["deno task fetch Qwen/Qwen2.5-Math-1.5B@main", "Then --model Qwen/Qwen2.5-Math-1.5B works everywhere"],
    ["HF_TOKEN=hf_… deno task fetch meta-llama/Llama-3.1-8B-Instruct", "A model whose terms you accepted"],
  ],
  resume: "run the same command again to go on; files that are whole are kept",
  async run({ flags, positionals, print, terminal, signal }) {
    const id = positionals[0] as string, hubCache = flags["hub-cache"] ?? hubCacheFolder();
    // Without an id there is nothing to ask for, and no reason to read a token.
    const accessToken = parseHubId(id) === null ? undefined : Deno.env.get("HF_TOKEN");
    const progress = new Progress(terminal, { label: "fetching", total: null, unit: "MiB" });
    const folder = await fetchModel(id, {
      hubCache,
      hubUrl: flags.hub,
      ...(accessToken === undefined || accessToken === "" ? {} : { accessToken }),
      onProgress({ bytes }) {
        signal.throwIfAborted();
        progress.update(Math.floor(bytes / 2 ** 20));
      },
    });
    progress.finish();
    print(folder);
  },
});

if (import.meta.main) await main(fetch);
