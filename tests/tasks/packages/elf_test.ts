import { assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../../lib/core/mod.ts";
import { RandomStream } from "../../../lib/core/mod.ts";
import { runtimeReport } from "../../../lib/runtime/mod.ts";
import { neededByFile, neededLibraries } from "../../../tasks/packages/elf.ts";
import { elfFile } from "../_elf_file.ts";

const needed = (bytes: Uint8Array) =>
  neededLibraries((offset, length) => bytes.slice(offset, offset + length), bytes.length);

Deno.test("neededLibraries() reads names by address, in order", () => {
  assertEquals(needed(elfFile(["libcudart.so.13", "libc.so.6"])), ["libcudart.so.13", "libc.so.6"]);
  assertEquals(needed(elfFile([])), []);
});

Deno.test("neededByFile() reads ONNX Runtime's own library, which needs the C library", () => {
  if (Deno.build.os !== "linux") return; // its library has another format there
  const names = neededByFile(`${runtimeReport().folder}libonnxruntime.so.1`);
  assertEquals(names.includes("libc.so.6"), true, names.join());
  assertEquals(names.every((name) => /^[\w.+-]+\.so(\.\d+)*$/.test(name)), true, names.join());
});

Deno.test("neededLibraries() refuses what is no library, and tables outside the file", () => {
  const refuse = (bytes: Uint8Array, message: string) =>
    assertThrows(() => needed(bytes), InputError, message);
  refuse(new Uint8Array(10), "too short");
  refuse(new Uint8Array(100), "not an ELF file");
  const changed = (change: (view: DataView) => void) => {
    const bytes = elfFile(["libc.so.6"]);
    change(new DataView(bytes.buffer));
    return bytes;
  };
  refuse(changed((view) => view.setUint8(4, 1)), "not 64-bit little-endian");
  refuse(changed((view) => view.setBigUint64(32, 2n ** 40n, true)), "a table lies outside the file");
  refuse(changed((view) => view.setUint16(54, 8, true)), "program headers are too short");
  refuse(changed((view) => view.setBigUint64(64 + 32, 1n, true)), "its names lie outside what is loaded");
});

Deno.test("neededLibraries() answers or refuses whatever 5,000 damaged files say", () => {
  const random = new RandomStream(5, "elf");
  const whole = elfFile(["libcublas.so.13", "libcudart.so.13"]);
  let refused = 0;
  for (let round = 0; round < 5000; round++) {
    const bytes = whole.slice(0, round % 3 === 0 ? random.integer({ below: whole.length }) : whole.length);
    for (let times = 0; times < 4 && bytes.length > 0; times++) {
      bytes[random.integer({ below: bytes.length })] = random.integer({ below: 256 });
    }
    try {
      needed(bytes);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      refused++;
    }
  }
  assertEquals(refused > 1000, true, `${refused} refused`);
});
