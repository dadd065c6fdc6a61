import { readWeightFiles } from "../../lib/checkpoint/mod.ts";
import { canonicalJson, sha256 } from "../../lib/core/mod.ts";
import { fileSha256 } from "../packages/package_index.ts";

/** SHA-256 of a file of vectors; of a model folder that carries them, over the hashes of its weight files by name. */
export async function sourceHash(path: string): Promise<string> {
  if (!(await Deno.stat(path)).isDirectory) return await fileSha256(path);
  const { files } = await readWeightFiles(path);
  const hashes = await Promise.all(
    files.map(async (file) => [file.slice(path.length), await fileSha256(file)]),
  );
  return sha256(canonicalJson(Object.fromEntries(hashes)));
}
