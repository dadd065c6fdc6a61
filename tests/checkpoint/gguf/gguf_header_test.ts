import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type GgufHeader, parseGgufHeader } from "../../../lib/checkpoint/gguf/_gguf_header.ts";
import { InputError } from "../../../lib/core/mod.ts";
import { bool, f32, i32s, ramp, RAW, type RawGguf, rawGguf, text, texts, u32 } from "../_gguf_file.ts";

const source = (bytes: Uint8Array<ArrayBuffer>) => ({
  bytes: bytes.length,
  read: (offset: number, length: number) => bytes.subarray(offset, offset + length),
});

const PARTS: RawGguf = {
  metadata: [
    ["a.text", text("día\n")],
    ["a.number", f32(0.5)],
    ["a.flag", bool(true)],
    ["a.list", i32s([-1, 2])],
    ["a.texts", texts(["", "x"])],
    ["a.large", { type: RAW.u64, value: 2n ** 60n }],
    ["a.long", { type: 11, value: -5n }],
    ["a.small", { type: 1, value: 0xff }],
    ["a.short", { type: 3, value: 0x8000 }],
  ],
  tensors: [
    { name: "x", type: 0, shape: [3, 2], bytes: ramp(6) },
    { name: "y", type: 8, shape: [64], bytes: new Uint8Array(68) },
  ],
};

const parse = (bytes: Uint8Array<ArrayBuffer>): GgufHeader =>
  parseGgufHeader(source(bytes), { where: "x.gguf" });
const refusal = (parts: Partial<RawGguf>): string => {
  const { message } = assertThrows(() => parse(rawGguf({ ...PARTS, ...parts })), InputError);
  assertStringIncludes(message, ": x.gguf (");
  return message;
};

Deno.test("parseGgufHeader() reads every type of value, shapes in row-major order, and where tensors lie", () => {
  for (const version of [2, 3]) {
    const bytes = rawGguf({ ...PARTS, version }), { metadata, tensors } = parse(bytes);
    assertEquals(Object.fromEntries(metadata), {
      "a.text": "día\n",
      "a.number": 0.5,
      "a.flag": true,
      "a.list": [-1, 2],
      "a.texts": ["", "x"],
      "a.large": 2n ** 60n,
      "a.long": -5,
      "a.small": -1,
      "a.short": -32768,
    });
    const start = bytes.length - 32 - 96;
    assertEquals([...tensors.values()], [
      { name: "x", type: "F32", dims: [2, 3], offset: start, length: 24 },
      { name: "y", type: "Q8_0", dims: [64], offset: start + 32, length: 68 },
    ]);
    assertEquals(bytes.slice(start, start + 24), ramp(6));
    // The padding after the last tensor may be missing.
    assertEquals(parse(bytes.slice(0, start + 32 + 68)).tensors, tensors);
  }
});

Deno.test("parseGgufHeader() heeds the alignment that the file states", () => {
  const metadata = [...PARTS.metadata, ["general.alignment", u32(256)] as const];
  const bytes = rawGguf({ ...PARTS, metadata, alignment: 256 }), { tensors } = parse(bytes);
  assertEquals([...tensors.values()].map(({ offset }) => offset % 256), [0, 0]);
  assertEquals(bytes.length, (tensors.get("y")?.offset ?? 0) + 256);
});

Deno.test("parseGgufHeader() names types that are not read, and versions and byte orders that are not", () => {
  for (
    const [type, name] of [[10, "Q2_K"], [11, "Q3_K"], [20, "IQ4_NL"], [23, "IQ4_XS"], [39, "MXFP4"], [
      28,
      "F64",
    ]] as const
  ) {
    const tensors = [{ name: "x", type, shape: [256], bytes: new Uint8Array(512) }];
    assertStringIncludes(
      refusal({ tensors }),
      `tensor "x" has the type ${name}, where one of F32, F16, BF16, Q8_0`,
    );
  }
  const unknown = [{ name: "x", type: 77, shape: [256], bytes: new Uint8Array(512) }];
  assertStringIncludes(refusal({ tensors: unknown }), 'tensor "x" has the unknown type 77');
  const ragged = [{ name: "x", type: 12, shape: [64, 4], bytes: new Uint8Array(144) }];
  assertStringIncludes(
    refusal({ tensors: ragged }),
    "has the shape [4, 64], where rows of Q4_K are multiples of 256",
  );
  assertStringIncludes(
    refusal({ version: 1 }),
    "has the version 1, where little-endian files of version 2 or 3 are read",
  );
  assertStringIncludes(refusal({ version: 0x03000000 }), "the GGUF file is big-endian");
  assertStringIncludes(refusal({ magic: "GGML" }), "not a GGUF file");
});

Deno.test("parseGgufHeader() reads a long text and a long list through its window of a mebibyte", () => {
  const long = "é".repeat(1_500_000), values = Array.from({ length: 400_000 }, (_, index) => index);
  const { metadata } = parse(
    rawGguf({ ...PARTS, metadata: [["l", text(long)], ["n", i32s(values)], ["s", texts(["a", long])]] }),
  );
  assertEquals(metadata.get("l"), long);
  assertEquals(metadata.get("n"), values);
  assertEquals(metadata.get("s"), ["a", long]);
  const longer = "a".repeat(2 ** 22 + 1);
  assertStringIncludes(
    refusal({ metadata: [["l", text(longer)]] }),
    "is 4194305, more than the limit 4194304",
  );
});
