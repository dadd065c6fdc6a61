import { assert, assertEquals } from "@std/assert";
import { GGUF_BLOCKS, type GgufType } from "../../../lib/checkpoint/gguf/_gguf_blocks.ts";
import { golden } from "../_folder.ts";

const GOLDEN = await golden<
  { readonly blocks: Readonly<Record<GgufType, { readonly bytes: string; readonly values: string }>> }
>("gguf_files.json");

const bytesOf = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

for (const [name, blocks] of Object.entries(GGUF_BLOCKS)) {
  Deno.test(`blocks of ${name} give the numbers that gguf-py reads, bit for bit`, () => {
    const { bytes, values } = GOLDEN.blocks[name as GgufType], packed = bytesOf(bytes);
    const expected = new Uint32Array(bytesOf(values).buffer);
    assert(expected.length >= 24 && new Set(expected).size > 16);
    assertEquals(packed.length / blocks.bytes * blocks.elements, expected.length);
    const out = new Float32Array(expected.length);
    blocks.read(packed, out);
    assertEquals(new Uint32Array(out.buffer), expected);
    // The same from any place of a larger array, as chunks of a file are.
    const shifted = new Uint8Array(packed.length + 3);
    shifted.set(packed, 3);
    out.fill(0);
    blocks.read(shifted.subarray(3), out);
    assertEquals(new Uint32Array(out.buffer), expected);
  });
}

Deno.test("every type that is read has golden blocks", () => {
  assertEquals(Object.keys(GOLDEN.blocks).sort(), Object.keys(GGUF_BLOCKS).sort());
});
