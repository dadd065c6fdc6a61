import { createHash } from "node:crypto";
import { z } from "zod";
import { InputError } from "../lib/core/mod.ts";
import { memberNamed, memberText, recordedHashes, unpack, zipEntries } from "./_wheel.ts";

/** The libraries of ONNX Runtime's CUDA provider, in the order in which they are put in place: the last one works. */
export const PROVIDER_LIBRARIES = [
  "libonnxruntime_providers_shared.so",
  "libonnxruntime_providers_cuda.so",
] as const;

/** The package that brings them; of the same version as the binding. */
export const PROVIDER_PACKAGE = "onnxruntime-gpu";

/** A file of a package index. */
export interface IndexFile {
  readonly filename: string;
  readonly url: string;
  readonly size: number;
  /** SHA-256, in hexadecimal. */
  readonly sha256: string;
}

const INDEX = z.object({
  urls: z.array(z.object({
    filename: z.string(),
    url: z.url({ protocol: /^https$/ }),
    size: z.number().int().positive(),
    digests: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  })),
});

/** The wheel to take, from what the Python Package Index says of one version. Its libraries hold no Python. */
export function chooseWheel(index: unknown): IndexFile {
  const parsed = INDEX.safeParse(index);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new InputError(`the package index says something else than expected: ${issue?.message}`, {
      where: issue?.path.join(".") ?? "its answer",
      repair: `download a wheel of ${PROVIDER_PACKAGE} yourself and pass it with --from`,
    });
  }
  const wheels = parsed.data.urls.filter(({ filename }) => /manylinux\w*_x86_64\.whl$/.test(filename))
    .sort((a, b) => (a.filename < b.filename ? -1 : 1));
  const [wheel] = wheels;
  if (wheel === undefined) throw new InputError("the package index has no wheel for Linux x86_64");
  return { filename: wheel.filename, url: wheel.url, size: wheel.size, sha256: wheel.digests.sha256 };
}

/** What a download needs of the world. */
export interface DownloadOptions {
  readonly file: IndexFile;
  /** Where it goes. */
  readonly path: string;
  readonly signal: AbortSignal;
  /** @default {the real one} */
  readonly fetch?: (url: string, init: { readonly signal: AbortSignal }) => Promise<Response>;
  readonly onProgress?: (doneBytes: number) => void;
}

/** Downloads a file and checks its size and SHA-256. */
export async function download(options: DownloadOptions): Promise<void> {
  const { file, path, signal } = options;
  const again = "run the command again, or download the file yourself and pass it with --from";
  const response = await (options.fetch ?? fetch)(file.url, { signal }).catch((error: unknown) => {
    if (signal.aborted) throw error;
    throw new InputError("the package index cannot be reached", {
      where: file.url,
      repair: again,
      cause: error,
    });
  });
  if (!response.ok || response.body === null) {
    throw new InputError(`the package index answers ${response.status}`, { where: file.url, repair: again });
  }
  using out = await Deno.open(path, { write: true, createNew: true });
  const hash = createHash("sha256");
  let done = 0;
  for await (const bytes of response.body) {
    done += bytes.length;
    if (done > file.size) break;
    hash.update(bytes);
    for (let at = 0; at < bytes.length;) at += out.writeSync(bytes.subarray(at));
    options.onProgress?.(done);
  }
  if (done !== file.size || hash.digest("hex") !== file.sha256) {
    throw new InputError("what was downloaded is not what the package index describes", {
      where: file.filename,
      repair: again,
    });
  }
}

/** What is in a wheel. */
export interface WheelContent {
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
  using file = await Deno.open(wheel);
  const entries = zipEntries(file);
  const content = wheelContent(await memberText(file, memberNamed(entries, /^[^/]+\.dist-info\/METADATA$/)));
  if (content.version !== version) {
    throw new InputError(`the wheel is of version ${content.version}, the binding of ${version}`, {
      where: wheel,
      repair: `take the wheel of ${PROVIDER_PACKAGE} ${version}`,
    });
  }
  const record = recordedHashes(await memberText(file, memberNamed(entries, /^[^/]+\.dist-info\/RECORD$/)));
  const members = PROVIDER_LIBRARIES.map((name) => memberNamed(entries, name));
  const total = members.reduce((sum, { size }) => sum + size, 0);
  const folder = await Deno.makeTempDir({ dir: into, prefix: ".cuda-install-" });
  try {
    let done = 0;
    for (const [index, member] of members.entries()) {
      using out = await Deno.open(`${folder}/${PROVIDER_LIBRARIES[index]}`, { write: true, createNew: true });
      const sha256 = await unpack(file, member, {
        write: (bytes) => {
          signal.throwIfAborted();
          for (let at = 0; at < bytes.length;) at += out.writeSync(bytes.subarray(at));
          options.onProgress?.(done += bytes.length, total);
        },
      });
      if (record.get(member.name) !== sha256) {
        throw new InputError(`"${member.name}" is not what the wheel's RECORD describes`, {
          where: wheel,
          repair: "download the wheel again",
        });
      }
    }
    for (const name of PROVIDER_LIBRARIES) await Deno.rename(`${folder}/${name}`, `${into}/${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return content;
}
