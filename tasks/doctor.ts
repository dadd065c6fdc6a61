import { dirname, resolve } from "node:path";
import { type Checkpoint, openCheckpoint } from "../lib/checkpoint/mod.ts";
import { elementCount, InputError, tensor } from "../lib/core/mod.ts";
import {
  type Profile,
  publishedFolder,
  ResultStore,
  SourceTree,
  type StoreContent,
  storeContent,
} from "../lib/experiment/mod.ts";
import { GraphBuilder } from "../lib/onnx/mod.ts";
import {
  type Device,
  type Float32Products,
  float32Products,
  runtimeReport,
  Session,
} from "../lib/runtime/mod.ts";
import { endTokensText } from "./command/compute_flags.ts";
import { defineCommand, main } from "./command/command.ts";
import { PROVIDER_LIBRARIES } from "./packages/cuda_provider.ts";
import { neededByFile } from "./packages/elf.ts";
import { EXIT_CODES } from "./command/fault.ts";
import { modelPlace, type OpenProfile, openProfile, PROFILE_FLAG, shippedProfiles } from "./study/profile.ts";
import { REPOSITORY, type ReproductionSetting } from "./study/reproduction_setting.ts";

/** What was found of one thing, and what to do about it. */
export interface Finding {
  readonly item: string;
  readonly found: string;
  /** `ok`: works; `optional`: absent, and only some commands need it; `missing`: nothing works without it. */
  readonly verdict: "ok" | "optional" | "missing";
  /** What to do. @default {nothing} */
  readonly repair?: string;
}

const GIB = 2 ** 30;
const ROOT = new URL("../", import.meta.url);

/** Memory for the embedded zoo: weights, the rollouts of a batch and the runtime itself take about half of it. */
const LEAST_MEMORY_GIB = 2;

/** cuDNN is opened by the provider itself, so its file does not name it; the wheel of the provider does. */
const CUDNN = { library: "libcudnn.so.9", name: "cuDNN 9" };

/** What the provider of the pinned version links to, for those who have not installed it. */
const PINNED_NEEDS = "an NVIDIA driver, CUDA 13 and cuDNN 9";

const CUDA_REPAIR = "see the row above; the CPU runs all the rest";

/** Judges the version of Deno against the pinned one. */
export function denoFinding(found: string, pinned: string): Finding {
  const item = "Deno";
  if (found === pinned) return { item, found, verdict: "ok" };
  return {
    item,
    found: `${found}, pinned is ${pinned}`,
    verdict: "optional",
    repair: `npx deno@${pinned} task … runs the pinned version`,
  };
}

/** Judges the memory that is free for new work, in bytes. */
export function memoryFinding(memory: { readonly total: number; readonly available: number }): Finding {
  const gib = (bytes: number): string => (bytes / GIB).toFixed(1);
  const item = "memory", found = `${gib(memory.available)} of ${gib(memory.total)} GiB free`;
  if (memory.available >= LEAST_MEMORY_GIB * GIB) return { item, found, verdict: "ok" };
  return {
    item,
    found,
    verdict: "optional",
    repair: `close programs: below ${LEAST_MEMORY_GIB} GiB runs may be killed`,
  };
}

/** Judges whether files can be written to a folder, which need not exist yet. */
export function outFinding(folder: string): Finding {
  const item = "output folder";
  try {
    // The folder itself may come later; then what counts is its nearest parent that exists.
    let parent = resolve(folder);
    while (!exists(parent)) parent = dirname(parent);
    Deno.removeSync(Deno.makeTempFileSync({ dir: parent, prefix: ".doctor-" }));
    return { item, found: `${folder} can be written`, verdict: "ok" };
  } catch (error) {
    const found = `${folder} cannot be written (${error instanceof Error ? error.name : error})`;
    return { item, found, verdict: "missing", repair: "pass --out with a folder of yours" };
  }
}

function exists(path: string | URL): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Says which models of a profile are there, and the command that makes or brings the first that is not. */
export async function profileFinding(
  profile: OpenProfile,
  { required }: { readonly required: boolean },
): Promise<Finding> {
  const item = `profile ${profile.name}`, missing: Profile["models"][number][] = [];
  for (const model of profile.models) {
    const place = modelPlace(profile, model);
    const folder = model.source === null ? place : await publishedFolder(place);
    const weights = ["model.safetensors", "model.safetensors.index.json"];
    const isModel = folder !== null && ["config.json", "tokenizer.json"].every((file) =>
      exists(`${folder}/${file}`)
    ) &&
      weights.some((file) => exists(`${folder}/${file}`));
    if (!isModel) missing.push(model);
  }
  const [first] = missing;
  if (first === undefined) {
    return {
      item,
      found: profile.models.map(({ name }) => name).join(", "),
      verdict: "ok",
    };
  }
  const command = first.source?.command ?? `deno task zoo --profile ${profile.asked} --only ${first.name}`;
  return {
    item,
    found: `no ${missing.map(({ name }) => name).join(", ")}`,
    verdict: required ? "missing" : "optional",
    repair: `${command} ${first.source === null ? "makes" : "brings"} ${first.name}`,
  };
}

/** Says how much is kept of earlier measurements, and how much of it no code can name any more. */
function storeFinding({ entries, stale }: StoreContent): Finding {
  const item = "store";
  const size = (of: StoreContent["entries"]): string =>
    `${of.length} (${(of.reduce((sum, { bytes }) => sum + bytes, 0) / 2 ** 20).toFixed(1)} MiB)`;
  if (entries.length === 0) return { item, found: "no measurements are kept", verdict: "ok" };
  const found = `measurements kept: ${size(entries)}`;
  if (stale.length === 0) return { item, found, verdict: "ok" };
  return {
    item,
    found: `${found}, of other code that nothing here can name: ${size(stale)}`,
    verdict: "optional",
    repair: "deno task doctor --remove-stale removes those",
  };
}

/** Whether the system's loader finds a library. */
function loadable(library: string): boolean {
  try {
    Deno.dlopen(library, {}).close();
    return true;
  } catch (error) {
    // A library that is not there, and one that cannot be used, are the same to us; a missing permission is not.
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

/** Judges the libraries of the CUDA provider in a folder: there, of which CUDA, and what they lack on this machine. */
export function providerFinding(
  folder: string,
  options: { readonly loadable?: (library: string) => boolean } = {},
): Finding {
  const item = "CUDA provider", has = options.loadable ?? loadable;
  const absent = PROVIDER_LIBRARIES.filter((name) => !exists(`${folder}${name}`));
  if (absent.length === PROVIDER_LIBRARIES.length) {
    const repair = `deno task cuda:install brings it (Linux x86_64; it needs ${PINNED_NEEDS})`;
    return { item, found: "not installed", verdict: "optional", repair };
  }
  if (absent.length > 0) {
    const found = `half installed, without ${absent.join(", ")}`;
    return { item, found, verdict: "optional", repair: "run deno task cuda:install again" };
  }
  let needed: readonly string[];
  try {
    needed = neededByFile(`${folder}${PROVIDER_LIBRARIES[1]}`);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { item, found: error.message, verdict: "optional", repair: "run deno task cuda:install again" };
  }
  const major = needed.map((name) => /^libcudart\.so\.(\d+)$/.exec(name)?.[1]).find((found) =>
    found !== undefined
  );
  const cuda = major === undefined ? "no CUDA that it names" : `CUDA ${major}`;
  const asked = needed.some((name) => name.startsWith("libcudnn")) ? needed : [...needed, CUDNN.library];
  const missing = asked.filter((name) => !has(name));
  const found = `installed, wants ${cuda} and ${CUDNN.name}`;
  if (missing.length === 0) return { item, found, verdict: "ok" };
  const what = [
    ...(missing.includes("libcuda.so.1") ? ["the NVIDIA driver"] : []),
    ...(missing.some((name) => name !== "libcuda.so.1" && name !== CUDNN.library)
      ? [`${cuda}'s runtime`]
      : []),
    ...(missing.includes(CUDNN.library) ? [CUDNN.name] : []),
  ];
  const repair = `install ${what.join(", ")} where the loader looks (LD_LIBRARY_PATH)`;
  return { item, found: `${found}; missing: ${missing.join(", ")}`, verdict: "optional", repair };
}

/** Says whether float32 products on CUDA come out exact. */
export function float32Finding(products: Float32Products): Finding {
  const item = "float32 on CUDA", variable = "NVIDIA_TF32_OVERRIDE";
  switch (products) {
    case "exact":
      return {
        item,
        found: `exact products: ${variable} is 0, set by commands where it is not set`,
        verdict: "ok",
      };
    case "tf32":
      return {
        item,
        found: `products in TF32, good to three digits, as ${variable} says`,
        verdict: "optional",
        repair: `unset ${variable}, or set it to 0`,
      };
    case "unknown":
      return {
        item,
        found: `not known: ${variable} may not be read here`,
        verdict: "optional",
        repair: `set ${variable}=0, or allow --allow-env=${variable}`,
      };
  }
}

/** Runs a small graph on a device and checks its result. */
export async function deviceFinding(device: Device): Promise<Finding> {
  const item = `${device} sessions`;
  const g = new GraphBuilder("doctor");
  const x = g.input("x", "float32", ["n"]);
  g.output("y", g.add(x, x));
  const absent = device === "cpu" ? "missing" : "optional";
  try {
    const session = await Session.create(g.build(), { device });
    const { y } = await session.run({ x: tensor("float32", [2], [1, 2]) });
    await session.release();
    if (y?.data[0] === 2 && y.data[1] === 4) return { item, found: "a graph ran", verdict: "ok" };
    return {
      item,
      found: `[1, 2] doubled gave [${y?.data}]`,
      verdict: absent,
      repair: "do not trust this device",
    };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const found = error.cause instanceof Error ? error.cause.message : error.message;
    return { item, found, verdict: absent, ...(device === "cuda" ? { repair: CUDA_REPAIR } : {}) };
  }
}

/** What a model is, and what of its files is not read. */
export function modelFindings(checkpoint: Checkpoint): Finding[] {
  const { config, weights, notices, endTokens } = checkpoint,
    number = (value: number) => value.toLocaleString("en-US");
  const parameters = [...weights.values()].reduce((sum, { dims }) => sum + elementCount(dims), 0);
  const dtypes = [...new Set([...weights.values()].map(({ dtype }) => dtype))].sort().join(", ");
  const heads = `${config.heads} query heads over ${config.kvHeads} of width ${config.headDim}`;
  const shape = `${config.layers} layers of width ${number(config.embed)}, ${heads}, ${
    number(config.vocab)
  } tokens`;
  const stated = [
    ["model", `${config.architecture}: ${shape}`],
    ["weights", `${number(parameters)} in ${dtypes}`],
    ["texts", `up to ${number(config.maxPositions)} tokens`],
    ["answers", `end at ${endTokensText(endTokens)}`],
    ...notices.map((notice) => ["note", notice]),
  ] as const;
  return stated.map(([item, found]) => ({ item: item as string, found: found as string, verdict: "ok" }));
}

/** One line per finding: verdict, item, what was found, what to do. */
export function findingLines(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map((finding) => finding.item.length));
  return findings.map(({ item, found, verdict, repair }) =>
    `${verdict.padEnd(8)}  ${item.padEnd(width)}  ${found}${repair === undefined ? "" : `: ${repair}`}`
  );
}

/** The command on a store of its own; tests give it small ones. */
export function doctorCommand(setting: ReproductionSetting) {
  return defineCommand({
    name: "doctor",
    summary: "Says what this machine can run, and what to do about the rest.",
    flags: {
      profile: PROFILE_FLAG,
      model: {
        kind: "string",
        metavar: "DIR",
        help:
          "A model folder or owner/name@revision to look at: what it is, and what of its files is not read",
      },
      out: { kind: "string", default: "out", metavar: "DIR", help: "The folder that results would go to" },
      "remove-stale": { kind: "boolean", help: "Remove kept measurements of code that is no longer here" },
    },
    examples: [
      ["deno task doctor", "Check this machine"],
      ["deno task doctor --profile smollm2", "Check what a study of the real model needs"],
      [
        "deno task doctor --model ./Qwen3-0.6B",
        "Check a model's files, and say what of them changes nothing",
      ],
      ["deno task doctor --out /data/results", "Check that results can be written there"],
      ["deno task doctor --remove-stale", "Make room: remove measurements that no code can name any more"],
    ],
    async run({ flags, print }) {
      const model = flags.model === undefined ? [] : modelFindings(await openCheckpoint(flags.model));
      const pinned = Deno.readTextFileSync(new URL(".dvmrc", ROOT)).trim();
      const runtime = runtimeReport();
      const store = new ResultStore(setting.store), sources = new SourceTree();
      if (flags["remove-stale"]) {
        for (const { path } of (await storeContent(store, sources)).stale) await Deno.remove(path);
      }
      const asked = await openProfile(flags.profile, setting), profiles: Finding[] = [];
      profiles.push(await profileFinding(asked, { required: true }));
      for (const name of await shippedProfiles(setting)) {
        if (name === asked.name) continue;
        profiles.push(await profileFinding(await openProfile(name, setting), { required: false }));
      }
      const findings: Finding[] = [
        denoFinding(Deno.version.deno, pinned),
        {
          item: "ONNX Runtime",
          found: `${runtime.version} (knows ${runtime.backends.join(", ")})`,
          verdict: "ok",
        },
        await deviceFinding("cpu"),
        providerFinding(runtime.folder),
        await deviceFinding("cuda"),
        float32Finding(float32Products()),
        { item: "cores", found: String(navigator.hardwareConcurrency), verdict: "ok" },
        memoryFinding(Deno.systemMemoryInfo()),
        outFinding(flags.out),
        ...profiles,
        storeFinding(await storeContent(store, sources)),
        ...model,
      ];
      for (const line of findingLines(findings)) print(line);
      const missing = findings.filter((finding) => finding.verdict === "missing");
      print(
        missing.length === 0
          ? `This machine can run the profile ${asked.name}.`
          : `${missing.length} required missing.`,
      );
      return missing.length === 0 ? EXIT_CODES.done : EXIT_CODES.outside;
    },
  });
}

/** What this machine can run, and what to do about the rest. */
export const doctor = doctorCommand(REPOSITORY);

if (import.meta.main) await main(doctor);
