import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { crc32, deflateRawSync } from "node:zlib";
import { InputError } from "../../lib/core/mod.ts";
import { runCommand } from "../../tasks/_command.ts";
import {
  chooseWheel,
  download,
  placeProvider,
  PROVIDER_LIBRARIES,
  wheelContent,
} from "../../tasks/_cuda_provider.ts";
import { recordedHashes, zipEntries } from "../../tasks/_wheel.ts";
import { cudaInstall } from "../../tasks/cuda_install.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { fakeTerminal } from "./_fake_terminal.ts";

const text = (value: string) => new TextEncoder().encode(value);
const never = new AbortController().signal;

/** A zip archive: members are deflated but for those whose name ends in "stored". */
function zip(members: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const parts: Uint8Array[] = [], directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, bytes] of Object.entries(members)) {
    const stored = name.endsWith("stored"), packed = stored ? bytes : new Uint8Array(deflateRawSync(bytes));
    const header = (mark: number, length: number, at: number) => {
      const head = new Uint8Array(length + name.length), view = new DataView(head.buffer);
      view.setUint32(0, mark, true);
      view.setUint16(at + 4, stored ? 0 : 8, true);
      view.setUint32(at + 10, crc32(bytes), true);
      view.setUint32(at + 14, packed.length, true);
      view.setUint32(at + 18, bytes.length, true);
      view.setUint16(at + 22, name.length, true);
      head.set(text(name), length);
      return { head, view };
    };
    const local = header(0x04034b50, 30, 4), central = header(0x02014b50, 46, 6);
    central.view.setUint32(42, offset, true);
    parts.push(local.head, packed);
    directory.push(central.head);
    offset += local.head.length + packed.length;
  }
  const end = new Uint8Array(22), view = new DataView(end.buffer);
  view.setUint32(0, 0x06054b50, true);
  view.setUint16(10, directory.length, true);
  view.setUint32(12, directory.reduce((sum, part) => sum + part.length, 0), true);
  view.setUint32(16, offset, true);
  const all = [...parts, ...directory, end];
  const whole = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const METADATA = "Metadata-Version: 2.4\nName: onnxruntime-gpu\nVersion: 1.30.0\n" +
  'Requires-Dist: numpy>=1.21.6\nRequires-Dist: nvidia-cudnn-cu13~=9.0; extra == "cudnn"\n';
const LIBRARIES = {
  shared: text("shared ".repeat(50)),
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
    "onnxruntime/LICENSE.stored": text("as you like"),
    "onnxruntime_gpu-1.30.0.dist-info/METADATA": text(change.metadata ?? METADATA),
    "onnxruntime_gpu-1.30.0.dist-info/RECORD": text(change.record ?? `${record}\nonnxruntime/x.py,,\n`),
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
    await refused(text("not an archive at all, of any kind"), "not a zip archive");
    await refused(wheel().slice(0, 5000), "not a zip archive");
    const flipped = wheel(); // one bit of the large library's packed bytes
    flipped[200_000] = (flipped[200_000] as number) ^ 1;
    await assertRejects(() => place(flipped), InputError);
    assertEquals(names(`${folder}/bin`), []);
    const stopped = AbortSignal.abort();
    await assertRejects(() => place(wheel(), { signal: stopped }), DOMException);
    assertEquals(names(`${folder}/bin`), []);
  }));

Deno.test("download() keeps only what has the size and sum that the index gives", () =>
  withFolder(async (folder) => {
    const bytes = text("the wheel");
    const file = {
      filename: "a.whl",
      url: "https://example.test/a.whl",
      size: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    };
    const get = (answer: () => Response | Promise<Response>, change: Partial<typeof file> = {}) => {
      const path = `${folder}/${crypto.randomUUID()}`;
      return download({
        file: { ...file, ...change },
        path,
        signal: never,
        fetch: () => Promise.resolve(answer()),
      }).then(() => Deno.readFile(path));
    };
    assertEquals(await get(() => new Response(bytes)), bytes);
    const wrong = "what was downloaded is not what the package index describes: a.whl";
    await assertRejects(() => get(() => new Response(bytes.slice(1))), InputError, wrong);
    await assertRejects(() => get(() => new Response(text("the wheel and more"))), InputError, wrong);
    await assertRejects(() => get(() => new Response(text("the whale"))), InputError, wrong);
    await assertRejects(
      () => get(() => new Response("", { status: 404 })),
      InputError,
      "the package index answers 404",
    );
    await assertRejects(
      () => get(() => Promise.reject(new TypeError("no route"))),
      InputError,
      "the package index cannot be reached: https://example.test/a.whl",
    );
  }));

Deno.test("chooseWheel() takes a Linux x86_64 wheel, the same one whatever the order", () => {
  const file = (filename: string, url = `https://files.example/${filename}`) => ({
    filename,
    url,
    size: 7,
    digests: { sha256: "0".repeat(64) },
  });
  const urls = [
    file("onnxruntime_gpu-1.30.0-cp313-cp313-manylinux_2_28_x86_64.whl"),
    file("onnxruntime_gpu-1.30.0-cp311-cp311-win_amd64.whl"),
    file("onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_x86_64.whl"),
    file("onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_aarch64.whl"),
  ];
  const chosen = "onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_x86_64.whl";
  assertEquals(chooseWheel({ urls }).filename, chosen);
  assertEquals(chooseWheel({ urls: [...urls].reverse() }).filename, chosen);
  assertThrows(() => chooseWheel({ urls: urls.slice(1, 2) }), InputError, "no wheel for Linux x86_64");
  assertThrows(() => chooseWheel(null), InputError, "says something else than expected");
  assertThrows(
    () => chooseWheel({ urls: [file(chosen, "http://files.example/a")] }),
    InputError,
    "than expected",
  );
});

Deno.test("recordedHashes() and wheelContent() read what pip writes", () => {
  const line = recordLine("a.so", text("x"));
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
    using file = await Deno.open(`${folder}/a.whl`);
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
  assertEquals(missing.written.error, "error: no such file or folder: ./nowhere/a.whl (check the path)\n");
});
