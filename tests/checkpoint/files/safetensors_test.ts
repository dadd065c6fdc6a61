import { assert, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../../lib/core/mod.ts";
import { readSafetensorsHeader, readTensor } from "../../../lib/checkpoint/mod.ts";
import { rawSafetensors, withFolder } from "../_folder.ts";

type Raw = Parameters<typeof rawSafetensors>;

const entry = (dtype: string, shape: unknown, offsets: unknown) => ({ dtype, shape, data_offsets: offsets });
const json = JSON.stringify;

/** Asserts that a file with this header is refused with a line that says `message`. */
async function assertRefused(message: string, ...raw: Raw): Promise<void> {
  await withFolder(async (folder) => {
    const path = `${folder}/x.safetensors`;
    await Deno.writeFile(path, rawSafetensors(...raw));
    const error = await assertRejects(() => readSafetensorsHeader(path), InputError, message);
    assert(!error.message.includes("\n") && error.message.includes(path), error.message);
    assert(error.message.length < 400 + path.length, `${error.message.length} letters`);
  });
}

Deno.test("readSafetensorsHeader() gives absolute offsets in file order", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/x.safetensors`;
    const header = json({
      __metadata__: { format: "pt" },
      second: entry("BF16", [2, 2], [4, 12]),
      first: entry("F32", [], [0, 4]),
      none: entry("I64", [3, 0], [12, 12]),
    });
    const data = Uint8Array.of(0, 0, 0x80, 0x3f, 0x80, 0x3f, 0, 0xc0, 0, 0, 0x40, 0x40);
    await Deno.writeFile(path, rawSafetensors(header, { data }));
    const file = await readSafetensorsHeader(path);
    const start = 8 + header.length;
    assertEquals(file.file, path);
    assertEquals(file.bytes, start + 12);
    assertEquals([...file.metadata], [["format", "pt"]]);
    assertEquals([...file.tensors.values()], [
      { name: "first", dtype: "float32", dims: [], file: path, offset: start, length: 4 },
      { name: "second", dtype: "bfloat16", dims: [2, 2], file: path, offset: start + 4, length: 8 },
      { name: "none", dtype: "int64", dims: [3, 0], file: path, offset: start + 12, length: 0 },
    ]);
    assertEquals([...await readTensor(file.tensors.get("first")!)], [1]);
    assertEquals([...await readTensor(file.tensors.get("second")!)], [1, -2, 0, 3]);
    await assertRejects(() => readTensor(file.tensors.get("none")!), InputError, "has the dtype int64");
  });
});

Deno.test("readSafetensorsHeader() takes names that JavaScript treats specially as names", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/x.safetensors`;
    const header = `{"__proto__":${json(entry("U8", [1], [0, 1]))},"7":${json(entry("BOOL", [1], [1, 2]))}}`;
    await Deno.writeFile(path, rawSafetensors(header, { data: 2 }));
    const { tensors } = await readSafetensorsHeader(path);
    assertEquals([...tensors.keys()], ["__proto__", "7"]);
  });
});

Deno.test("readSafetensorsHeader() resolves links to the real path", async () => {
  await withFolder(async (folder) => {
    await Deno.writeFile(
      `${folder}/blob`,
      rawSafetensors(json({ x: entry("U8", [1], [0, 1]) }), { data: 1 }),
    );
    await Deno.symlink("blob", `${folder}/x.safetensors`);
    assertEquals((await readSafetensorsHeader(`${folder}/x.safetensors`)).file, `${folder}/blob`);
  });
});

Deno.test("readSafetensorsHeader() refuses a missing file, a folder and a stub", async () => {
  await withFolder(async (folder) => {
    await assertRejects(() => readSafetensorsHeader(`${folder}/none`), InputError, "does not exist");
    await assertRejects(() => readSafetensorsHeader(folder), InputError, "not a file");
    await Deno.writeFile(`${folder}/stub`, new Uint8Array(7));
    await assertRejects(() => readSafetensorsHeader(`${folder}/stub`), InputError, "7 bytes, too few");
  });
});

Deno.test("readSafetensorsHeader() refuses a header length beyond the file or the format", async () => {
  await assertRefused("claims 3 bytes of a file of 10", "{}", { claim: 3n });
  await assertRefused("claims 99999999 bytes of a file of 10", "{}", { claim: 99_999_999n });
  await assertRefused("claims 18446744073709551615 bytes", "{}", { claim: 2n ** 64n - 1n });
});

Deno.test("readSafetensorsHeader() refuses what is not one JSON object", async () => {
  await assertRefused("not a JSON object", "");
  await assertRefused("not a JSON object", "[]");
  await assertRefused("not a JSON object", " {}");
  await assertRefused("not valid JSON", "{} x");
  await assertRefused("not valid JSON", '{"x":NaN}');
  await assertRefused("not valid UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d));
  await assertRefused("nests 50001 deep, more than the limit 3", `{"a":${"[".repeat(50_000)}`);
  await assertRefused("not valid JSON", '{"a":[[');
});

Deno.test("readSafetensorsHeader() refuses keys that stand twice, escaped or not", async () => {
  const one = json(entry("U8", [1], [0, 1])), two = json(entry("U8", [1], [1, 2]));
  await assertRefused('the key "a" twice', `{"a":${one},"a":${two}}`, { data: 2 });
  await assertRefused('the key "a" twice', `{"a":${one},"\\u0061":${two}}`, { data: 2 });
  await assertRefused(
    'the key "shape" twice',
    '{"a":{"dtype":"U8","shape":[9],"shape":[1],"data_offsets":[0,1]}}',
    {
      data: 1,
    },
  );
});

Deno.test("readSafetensorsHeader() refuses entries that are not of the format", async () => {
  const refused = (message: string, value: unknown) =>
    assertRefused(message, json({ a: value }), { data: 4 });
  await refused("not described by an object", 3);
  await refused("not described by an object", [1]);
  await refused('unknown key "extra"', { ...entry("F32", [1], [0, 4]), extra: 1 });
  await refused('dtype "F8_E5M2"', entry("F8_E5M2", [4], [0, 4]));
  await refused('dtype "undefined"', { shape: [1], data_offsets: [0, 4] });
  await refused("not a list of counts", entry("F32", 1, [0, 4]));
  await refused("not a list of counts", entry("F32", [-1], [0, 4]));
  await refused("not a list of counts", entry("F32", [1.5], [0, 4]));
  await refused("not a list of counts", entry("F32", ["1"], [0, 4]));
  await refused("not a list of counts", entry("F32", [2 ** 53], [0, 4]));
  await refused("not two counts", entry("F32", [1], [0]));
  await refused("not two counts", entry("F32", [1], [0, 4, 8]));
  await refused("not two counts", entry("F32", [1], [-4, 0]));
  await refused("not two counts", entry("F32", [1], null));
});

Deno.test("readSafetensorsHeader() refuses lengths that are not those of the shape", async () => {
  const refused = (message: string, value: unknown) =>
    assertRefused(message, json({ a: value }), { data: 8 });
  await refused("spans 8 bytes, where float32 [1] needs 4", entry("F32", [1], [0, 8]));
  await refused("spans -8 bytes", entry("F32", [2], [8, 0]));
  // 2^52 · 2^52 passes what a double counts; times 0 it would look like an empty tensor.
  await refused("needs more than 2^53", entry("U8", [2 ** 52, 2 ** 52, 0], [0, 0]));
  await refused("[1, 1, 1, 1, 1, 1, 1, 1, …]", entry("F32", Array(1000).fill(1), [0, 8]));
});

Deno.test("readSafetensorsHeader() refuses tensors that do not tile the data", async () => {
  const a = entry("U8", [4], [0, 4]);
  await assertRefused('tensor "b" overlaps', json({ a, b: entry("U8", [4], [2, 6]) }), { data: 6 });
  await assertRefused('tensor "b" overlaps', json({ a, b: entry("U8", [4], [0, 4]) }), { data: 4 });
  await assertRefused('tensor "b" leaves a gap', json({ a, b: entry("U8", [1], [5, 6]) }), { data: 6 });
  await assertRefused('tensor "a" leaves a gap', json({ a: entry("U8", [4], [1, 5]) }), { data: 5 });
  await assertRefused("bytes of no tensor", json({ a }), { data: 5 });
  await assertRefused("cut short: tensors need 4 bytes of data, it has 3", json({ a }), { data: 3 });
});

Deno.test("readSafetensorsHeader() refuses metadata that is not text", async () => {
  await assertRefused("__metadata__", json({ __metadata__: { a: 1 } }));
  await assertRefused("__metadata__", json({ __metadata__: "a" }));
  await assertRefused("__metadata__", json({ __metadata__: null }));
});

Deno.test("readSafetensorsHeader() keeps hostile names out of the shape of its messages", async () => {
  const name = "a\n".repeat(5000);
  await assertRefused("unknown key", json({ [name]: { [name]: 1 } }));
});

Deno.test("readTensor() says when the file shrank after its header was read", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/x.safetensors`;
    await Deno.writeFile(path, rawSafetensors(json({ a: entry("F32", [2], [0, 8]) }), { data: 8 }));
    const { tensors, bytes } = await readSafetensorsHeader(path);
    await Deno.truncate(path, bytes - 3);
    await assertRejects(() => readTensor(tensors.get("a")!), InputError, "ends 3 bytes too early");
  });
});
