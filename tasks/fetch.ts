import { fetchDataset, fetchModel, hubCacheFolder, parseHubId } from "../lib/checkpoint/mod.ts";
import { defineCommand, main } from "./command/command.ts";
import { Progress } from "./command/progress.ts";

/** Ids of one command; a suite has six benchmarks. */
const MOST_IDS = 16;

/** Brings models or data sets from the Hugging Face hub into the hub cache, where every other command finds them. */
export const fetch = defineCommand({
  name: "fetch",
  summary:
    "Fetches models or data sets of the Hugging Face hub into the hub cache; no other command asks the hub.",
  positionals: {
    metavar: "OWNER/NAME@REVISION",
    help: "Branch, tag or commit (default: main)",
    least: 1,
    most: MOST_IDS,
  },
  flags: {
    dataset: {
      kind: "boolean",
      help: "The ids are those of data sets: their .jsonl and .parquet files are fetched",
    },
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
    [
      "deno task fetch --dataset HuggingFaceH4/MATH-500",
      "Then --suite math500 works without --data",
    ],
    ["HF_TOKEN=hf_… deno task fetch meta-llama/Llama-3.1-8B-Instruct", "A model whose terms you accepted"],
  ],
  resume: "run the same command again to go on; files that are whole are kept",
  async run({ flags, positionals, print, terminal, signal }) {
    const hubCache = flags["hub-cache"] ?? hubCacheFolder(),
      fetchOne = flags.dataset ? fetchDataset : fetchModel;
    for (const id of positionals) {
      // Without an id there is nothing to ask for, and no reason to read a token.
      const accessToken = parseHubId(id) === null ? undefined : Deno.env.get("HF_TOKEN");
      const progress = new Progress(terminal, { label: "fetching", total: null, unit: "MiB" });
      const folder = await fetchOne(id, {
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
    }
  },
});

if (import.meta.main) await main(fetch);
