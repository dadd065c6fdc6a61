import { openSource, zipEntries } from "../../lib/checkpoint/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import type { IndexFile } from "./package_index.ts";
import { memberNamed, memberText, recordedHashes, unpackRecorded } from "./wheel.ts";

/** The libraries of ONNX Runtime's CUDA provider, in the order in which they are put in place: the last one works. */
export const PROVIDER_LIBRARIES = [
  "libonnxruntime_providers_shared.so",
  "libonnxruntime_providers_cuda.so",
] as const;

/** The package that brings them; of the same version as the binding. */
export const PROVIDER_PACKAGE = "onnxruntime-gpu";

/** The wheel of one version to take. Its libraries hold no Python, so that any Python's will do. */
export function chooseWheel(files: readonly IndexFile[], version: string): IndexFile {
  const prefix = `${PROVIDER_PACKAGE.replaceAll("-", "_")}-${version}-`;
  const [wheel] = files
    .filter(({ filename }) => filename.startsWith(prefix) && /manylinux\w*_x86_64\.whl$/.test(filename))
    .sort((a, b) => (a.filename < b.filename ? -1 : 1));
  if (wheel === undefined) {
    throw new InputError(`the package index has no wheel of ${PROVIDER_PACKAGE} ${version} for Linux x86_64`);
  }
  return wheel;
}

/** What is in a wheel. */
interface WheelContent {
  readonly version: string;
  /** The packages with CUDA's and cuDNN's libraries that it asks for, such as `nvidia-cudnn-cu13~=9.0`. */
  readonly requires: readonly string[];
}

/** Version and requirements of a wheel, from its METADATA. */
export function wheelContent(metadata: string): WheelContent {
  const name = /^Name: (.+?)\r?$/m.exec(metadata)?.[1], version = /^Version: (.+?)\r?$/m.exec(metadata)?.[1];
  if (name === undefined || version === undefined || name.replaceAll("_", "-") !== PROVIDER_PACKAGE) {
    throw new InputError(
      `not a wheel of ${PROVIDER_PACKAGE}: it is of ${name ?? "nothing that says its name"}`,
    );
  }
  const requires = [...metadata.matchAll(/^Requires-Dist: (nvidia-[^;\s]+)/gm)].map((found) =>
    found[1] as string
  );
  return { version, requires: [...new Set(requires)].sort() };
}

/**
 * Puts a wheel's provider libraries into a folder. Each is unpacked beside its place, checked against the archive's
 * sum and the wheel's RECORD, and only then all are moved in, so a failure leaves the folder as it was.
 */
export async function placeProvider(
  wheel: string,
  options: {
    readonly into: string;
    /** The binding's version: a provider of another one cannot talk to it. */
    readonly version: string;
    readonly signal: AbortSignal;
    readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  },
): Promise<WheelContent> {
  const { into, version, signal } = options;
  using file = await openSource(wheel);
  const entries = zipEntries(file);
  const wanted = `a wheel of ${PROVIDER_PACKAGE} for Linux x86_64`;
  const member = (name: string | RegExp) => memberNamed(entries, { name, wanted });
  const content = wheelContent(await memberText(file, member(/^[^/]+\.dist-info\/METADATA$/)));
  if (content.version !== version) {
    throw new InputError(`the wheel is of version ${content.version}, the binding of ${version}`, {
      where: wheel,
      repair: `take the wheel of ${PROVIDER_PACKAGE} ${version}`,
    });
  }
  const record = recordedHashes(await memberText(file, member(/^[^/]+\.dist-info\/RECORD$/)));
  const members = PROVIDER_LIBRARIES.map(member);
  const total = members.reduce((sum, { size }) => sum + size, 0);
  const folder = await Deno.makeTempDir({ dir: into, prefix: ".cuda-install-" });
  try {
    let done = 0;
    for (const [index, entry] of members.entries()) {
      const path = `${folder}/${PROVIDER_LIBRARIES[index]}`;
      const onBytes = (bytes: number) => options.onProgress?.(done += bytes, total);
      await unpackRecorded(file, entry, { path, record, where: wheel, signal, onBytes });
    }
    for (const name of PROVIDER_LIBRARIES) await Deno.rename(`${folder}/${name}`, `${into}/${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return content;
}
