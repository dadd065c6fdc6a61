import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { openSource, zipEntries } from "../../../lib/checkpoint/mod.ts";
import { InputError } from "../../../lib/core/mod.ts";
import { runCommand } from "../../../tasks/command/command.ts";
import {
  chooseWheel,
  placeProvider,
  PROVIDER_LIBRARIES,
  wheelContent,
} from "../../../tasks/packages/cuda_provider.ts";
import { recordedHashes } from "../../../tasks/packages/wheel.ts";
import { cudaInstall } from "../../../tasks/cuda_install.ts";
import { withFolder } from "../../checkpoint/_folder.ts";
import { fakeTerminal } from "../_fake_terminal.ts";
import { bytesOfText, zip } from "../_zip.ts";

const never = new AbortController().signal;

const METADATA = "Metadata-Version: 2.4\nName: onnxruntime-gpu\nVersion: 1.30.0\n" +
  'Requires-Dist: numpy>=1.21.6\nRequires-Dist: nvidia-cudnn-cu13~=9.0; extra == "cudnn"\n';
const LIBRARIES = {
  shared: bytesOfText("shared ".repeat(50)),
  // Hardly to be compressed, so that the archive is large too.
  cuda: Uint8Array.from({ length: 300_000 }, (_, index) => (Math.imul(index, 2654435761) >>> 13) ^ index),
};
const recordLine = (name: string, bytes: Uint8Array) =>
  `onnxruntime/capi/${name},sha256=${createHash("sha256").update(bytes).digest("base64url")},${bytes.length}`;

/** A wheel like the real one, in small. */
function wheel(change: Partial<Record<"metadata" | "record" | "cuda", string>> = {}): Uint8Array {
  const record = PROVIDER_LIBRARIES.map((name, index) =>
    recordLine(name, index === 0 ? LIBRARIES.shared : LIBRARIES.cuda)
  ).join("\n");
  return zip({
    "onnxruntime/capi/libonnxruntime_providers_shared.so": LIBRARIES.shared,
    [change.cuda ?? "onnxruntime/capi/libonnxruntime_providers_cuda.so"]: LIBRARIES.cuda,
    "onnxruntime/LICENSE.stored": bytesOfText("as you like"),
    "onnxruntime_gpu-1.30.0.dist-info/METADATA": bytesOfText(change.metadata ?? METADATA),
    "onnxruntime_gpu-1.30.0.dist-info/RECORD": bytesOfText(
      change.record ?? `${record}\nonnxruntime/x.py,,\n`,
    ),
  });
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();

Deno.test("placeProvider() unpacks both libraries, checked, and reports every byte", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/bin`);
    await Deno.writeFile(`${folder}/a.whl`, wheel());
    const seen: number[] = [];
    const content = await placeProvider(`${folder}/a.whl`, {
      into: `${folder}/bin`,
      version: "1.30.0",
      signal: never,
      onProgress: (done) => void seen.push(done),
    });
    assertEquals(content, { version: "1.30.0", requires: ["nvidia-cudnn-cu13~=9.0"] });
    assertEquals(names(`${folder}/bin`), [...PROVIDER_LIBRARIES].sort());
    assertEquals(await Deno.readFile(`${folder}/bin/${PROVIDER_LIBRARIES[1]}`), LIBRARIES.cuda);
    assertEquals(await Deno.readFile(`${folder}/bin/${PROVIDER_LIBRARIES[0]}`), LIBRARIES.shared);
    assertEquals(seen.at(-1), LIBRARIES.shared.length + LIBRARIES.cuda.length);
  }));

Deno.test("placeProvider() leaves the folder as it was when anything is wrong", () =>
  withFolder(async (folder) => {
    const place = async (bytes: Uint8Array, options: { version?: string; signal?: AbortSignal } = {}) => {
      await Deno.mkdir(`${folder}/bin`, { recursive: true });
      await Deno.writeFile(`${folder}/a.whl`, bytes);
      const { version = "1.30.0", signal = never } = options;
      await placeProvider(`${folder}/a.whl`, { into: `${folder}/bin`, version, signal });
    };
    const refused = async (bytes: Uint8Array, message: string, version = "1.30.0") => {
      await assertRejects(() => place(bytes, { version }), InputError, message);
      assertEquals(names(`${folder}/bin`), []);
    };
    await refused(wheel(), "the wheel is of version 1.30.0, the binding of 1.31.0", "1.31.0");
    await refused(
      wheel({ metadata: "Name: numpy\nVersion: 1.30.0\n" }),
      "not a wheel of onnxruntime-gpu: it is of numpy",
    );
    await refused(wheel({ cuda: "onnxruntime/capi/other.so" }), "holds no libonnxruntime_providers_cuda.so");
    await refused(wheel({ record: "" }), "is not what the wheel's RECORD describes");
    await refused(bytesOfText("not an archive at all, of any kind"), "not a zip archive");
    await refused(wheel().slice(0, 5000), "not a zip archive");
    const flipped = wheel(); // one bit of the large library's packed bytes
    flipped[200_000] = (flipped[200_000] as number) ^ 1;
    await assertRejects(() => place(flipped), InputError);
    assertEquals(names(`${folder}/bin`), []);
    const stopped = AbortSignal.abort();
    await assertRejects(() => place(wheel(), { signal: stopped }), DOMException);
    assertEquals(names(`${folder}/bin`), []);
  }));

Deno.test("chooseWheel() takes a Linux x86_64 wheel of the version, the same one whatever the order", () => {
  const file = (filename: string) => ({
    filename,
    url: `https://files.example/${filename}`,
    size: 7,
    sha256: "0".repeat(64),
  });
  const files = [
    file("onnxruntime_gpu-1.30.0-cp313-cp313-manylinux_2_28_x86_64.whl"),
    file("onnxruntime_gpu-1.30.0-cp311-cp311-win_amd64.whl"),
    file("onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_x86_64.whl"),
    file("onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_aarch64.whl"),
    file("onnxruntime_gpu-1.29.0-cp312-cp312-manylinux_2_28_x86_64.whl"),
  ];
  const chosen = "onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_x86_64.whl";
  assertEquals(chooseWheel(files, "1.30.0").filename, chosen);
  assertEquals(chooseWheel([...files].reverse(), "1.30.0").filename, chosen);
  assertThrows(
    () => chooseWheel(files, "1.3"),
    InputError,
    "the package index has no wheel of onnxruntime-gpu 1.3 for Linux x86_64",
  );
});

Deno.test("recordedHashes() and wheelContent() read what pip writes", () => {
  const line = recordLine("a.so", bytesOfText("x"));
  assertEquals(
    recordedHashes(`${line}\r\nRECORD,,\n`).get("onnxruntime/capi/a.so"),
    createHash("sha256").update("x").digest("hex"),
  );
  assertEquals(wheelContent("Name: onnxruntime_gpu\nVersion: 2\n"), { version: "2", requires: [] });
  assertThrows(() => wheelContent(""), InputError, "of nothing that says its name");
});

Deno.test("zipEntries() lists members as Python's zipfile does", () =>
  withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.whl`, wheel());
    using file = await openSource(`${folder}/a.whl`);
    assertEquals(zipEntries(file).map(({ name, method, size }) => [name.split("/").at(-1), method, size]), [
      [PROVIDER_LIBRARIES[0], 8, LIBRARIES.shared.length],
      [PROVIDER_LIBRARIES[1], 8, LIBRARIES.cuda.length],
      ["LICENSE.stored", 0, 11],
      ["METADATA", 8, METADATA.length],
      ["RECORD", 8, zipEntries(file).at(-1)?.size],
    ]);
  }));

Deno.test("cuda:install says what it would do, and refuses a file that is none", async () => {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
    const terminal = fakeTerminal(["--dry-run"]);
    return assertEquals(await runCommand(cudaInstall, terminal), 2);
  }
  const dry = fakeTerminal(["--dry-run", "--from", "./a.whl"]);
  assertEquals(await runCommand(cudaInstall, dry), 0);
  assertStringIncludes(dry.written.output, "from: ./a.whl\ninto: ");
  assertStringIncludes(dry.written.output, "nothing was changed (--dry-run)\n");
  const missing = fakeTerminal(["--from", "./nowhere/a.whl"]);
  assertEquals(await runCommand(cudaInstall, missing), 2);
  assertEquals(
    missing.written.error,
    "error: cannot read the file, does not exist: ./nowhere/a.whl (check the path and its permissions)\n",
  );
});
