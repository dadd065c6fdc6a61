import { createHash, type Hash } from "node:crypto";
import { z } from "zod";
import { InputError } from "../../lib/core/mod.ts";
import { exists, removeIfThere } from "../command/output_place.ts";

/** A file of a package index. */
export interface IndexFile {
  readonly filename: string;
  readonly url: string;
  readonly size: number;
  /** SHA-256, in hexadecimal. */
  readonly sha256: string;
}

/** How a request is made; tests pass their own. */
export type Fetch = (
  url: string,
  init: { readonly signal: AbortSignal; readonly headers?: Record<string, string> },
) => Promise<Response>;

/** The part of the index's answer that is used: the simple interface, in JSON. */
const INDEX = z.object({
  files: z.array(z.object({
    filename: z.string(),
    url: z.url({ protocol: /^https$/ }),
    size: z.number().int().positive(),
    hashes: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  })),
});

/** The files that an answer of the Python Package Index lists. */
export function indexFiles(answer: unknown, options: { readonly repair: string }): readonly IndexFile[] {
  const parsed = INDEX.safeParse(answer);
  if (parsed.success) {
    return parsed.data.files.map(({ filename, url, size, hashes }) => ({ filename, url, size, ...hashes }));
  }
  const issue = parsed.error.issues[0];
  throw new InputError(`the package index says something else than expected: ${issue?.message}`, {
    where: issue?.path.join(".") || "its answer",
    repair: options.repair,
  });
}

/** All files of a package. `repair` says how to do without the index. */
export async function packageFiles(
  name: string,
  options: { readonly signal: AbortSignal; readonly repair: string; readonly fetch?: Fetch },
): Promise<readonly IndexFile[]> {
  const { signal, repair } = options, url = `https://pypi.org/simple/${name}/`;
  const headers = { accept: "application/vnd.pypi.simple.v1+json" };
  let answer: Response;
  try {
    answer = await (options.fetch ?? fetch)(url, { signal, headers });
  } catch (error) {
    if (signal.aborted || error instanceof Deno.errors.NotCapable) throw error;
    throw new InputError("the package index cannot be reached", { where: url, repair, cause: error });
  }
  if (!answer.ok) throw new InputError(`the package index answers ${answer.status}`, { where: url, repair });
  return indexFiles(await answer.json().catch(() => null), { repair });
}

/** Feeds a file into a hash; resolves to its size. */
async function hashFile(path: string, hash: Hash): Promise<number> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(2 ** 20);
  for (let size = 0;;) {
    const count = await file.read(buffer);
    if (count === null) return size;
    hash.update(buffer.subarray(0, count));
    size += count;
  }
}

/** SHA-256 of a file, in hexadecimal. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await hashFile(path, hash);
  return hash.digest("hex");
}

/** What a download needs of the world. */
interface DownloadOptions {
  readonly file: IndexFile;
  /** Where it goes; until it is whole and checked it is called `PATH.partial`. */
  readonly path: string;
  readonly signal: AbortSignal;
  /** @default {the real one} */
  readonly fetch?: Fetch;
  readonly onProgress?: (doneBytes: number) => void;
}

/**
 * Downloads a file and checks its size and SHA-256. What an interrupted download left is gone on with where the server
 * can, and a file that is there and whole is kept as it is.
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { file, path, signal, onProgress } = options, partial = `${path}.partial`;
  const again = "run the command again, or download the file yourself and pass it with --from";
  const fault = (what: string, where: string, cause?: unknown) =>
    new InputError(what, { where, repair: again, ...(cause === undefined ? {} : { cause }) });
  if (await exists(path) && await fileSha256(path) === file.sha256) return onProgress?.(file.size);
  let hash = createHash("sha256");
  let done = await exists(partial) ? await hashFile(partial, hash) : 0;
  const startOver = async (): Promise<void> => {
    await removeIfThere(partial);
    hash = createHash("sha256");
    done = 0;
  };
  if (done > file.size) await startOver();
  if (done < file.size) {
    const headers = done === 0 ? {} : { range: `bytes=${done}-` };
    const response = await (options.fetch ?? fetch)(file.url, { signal, headers }).catch((error: unknown) => {
      if (signal.aborted || error instanceof Deno.errors.NotCapable) throw error;
      throw fault("the package index cannot be reached", file.url, error);
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw fault(`the package index answers ${response.status}`, file.url);
    }
    const goesOn = response.status === 206 &&
      response.headers.get("content-range")?.startsWith(`bytes ${done}-`) === true;
    if (!goesOn) await startOver();
    using out = await Deno.open(partial, { write: true, create: true, append: true });
    try {
      for await (const bytes of response.body) {
        done += bytes.length;
        if (done > file.size) break;
        hash.update(bytes);
        for (let at = 0; at < bytes.length;) at += out.writeSync(bytes.subarray(at));
        onProgress?.(done);
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof TypeError)) throw error;
      throw fault("the download broke off", file.url, error); // what a body throws whose connection is lost
    }
    if (done < file.size) throw fault(`the download broke off after ${done} of ${file.size} bytes`, file.url);
  }
  if (done !== file.size || hash.digest("hex") !== file.sha256) {
    await removeIfThere(partial);
    throw fault("what was downloaded is not what the package index describes", file.filename);
  }
  await Deno.rename(partial, path);
}
