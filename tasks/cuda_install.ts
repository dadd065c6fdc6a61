import { dirname } from "node:path";
import { InputError } from "../lib/core/mod.ts";
import { runtimeReport } from "../lib/runtime/mod.ts";
import { defineCommand, main } from "./command/command.ts";
import {
  chooseWheel,
  placeProvider,
  PROVIDER_LIBRARIES,
  PROVIDER_PACKAGE,
} from "./packages/cuda_provider.ts";
import { download, packageFiles } from "./packages/package_index.ts";
import { BytesProgress, mebibytes } from "./command/progress.ts";

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
    const repair =
      `download the wheel yourself (pip download --no-deps ${PROVIDER_PACKAGE}==${version}) and pass it with --from`;
    const file = from === undefined
      ? chooseWheel(await packageFiles(PROVIDER_PACKAGE, { signal, repair }), version)
      : null;
    print(`from: ${file === null ? from : `${file.url} (${mebibytes(file.size)} MiB)`}`);
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
        const shown = new BytesProgress(terminal, "downloading");
        const onProgress = (done: number) => shown.update(done, file.size);
        await download({ file, path: wheel, signal, onProgress });
        shown.finish();
      }
      const shown = new BytesProgress(terminal, "unpacking");
      const onProgress = (done: number, bytes: number) => shown.update(done, bytes);
      const content = await placeProvider(wheel, { into, version, signal, onProgress });
      shown.finish();
      print(`installed; it asks for ${content.requires.join(", ")}`);
      print("deno task doctor says what else this machine needs");
    } finally {
      if (holder !== null) await Deno.remove(dirname(`${holder}/x`), { recursive: true });
    }
  },
});

if (import.meta.main) await main(cudaInstall);
