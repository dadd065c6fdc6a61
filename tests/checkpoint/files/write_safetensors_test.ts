import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../../lib/core/mod.ts";
import { readSafetensorsHeader, readTensor, writeSafetensors } from "../../../lib/checkpoint/mod.ts";
import { golden, withFolder } from "../_folder.ts";

const f32 = (dims: number[], ...data: number[]) =>
  ({ dtype: "float32", dims, data: Float32Array.from(data) }) as const;

Deno.test("writeSafetensors() writes the very bytes of the reference implementation", async () => {
  const { safetensors_hex } = await golden<{ safetensors_hex: string }>("checkpoint.json");
  await withFolder(async (folder) => {
    const path = `${folder}/x.safetensors`;
    await writeSafetensors(path, {
      tensors: {
        half: { dtype: "float16", dims: [2], data: Float32Array.of(0.1, 65504) },
        scalar: f32([], 7),
        b: f32([2, 3], 1.5, -2, 3.25, 0, -0, 1e-3),
        a: { dtype: "bfloat16", dims: [3], data: Float32Array.of(1, -1, 0.1) },
        empty: f32([0, 3]),
      },
      metadata: { made: 'by "safetensors"' },
    });
    assertEquals((await Deno.readFile(path)).toHex(), safetensors_hex);
  });
});

Deno.test("writeSafetensors() gives equal bytes whatever the order of its keys", async () => {
  await withFolder(async (folder) => {
    const x = f32([1], 1), y = f32([2], 2, 3);
    await writeSafetensors(`${folder}/1`, { tensors: { x, y }, metadata: { a: "1", b: "2" } });
    await writeSafetensors(`${folder}/2`, { tensors: { y, x }, metadata: { b: "2", a: "1" } });
    assertEquals(await Deno.readFile(`${folder}/1`), await Deno.readFile(`${folder}/2`));
    const { tensors } = await readSafetensorsHeader(`${folder}/1`);
    assertEquals([...tensors.values()].map(({ offset }) => offset % 8), [0, 4]);
    assertEquals([...await readTensor(tensors.get("y")!)], [2, 3]);
  });
});

Deno.test("writeSafetensors() aligns wide elements behind an odd number of narrow ones", async () => {
  await withFolder(async (folder) => {
    const narrow = { dtype: "bfloat16", dims: [3], data: new Float32Array(3) } as const;
    await writeSafetensors(`${folder}/x`, { tensors: { a: narrow, b: f32([1], 1) } });
    const { tensors } = await readSafetensorsHeader(`${folder}/x`);
    assertEquals(tensors.get("b")!.offset % 4, 0);
  });
});

Deno.test("writeSafetensors() refuses a wrong count and the reserved name before it writes", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/x`;
    await assertRejects(
      () => writeSafetensors(path, { tensors: { x: f32([2], 1) } }),
      RangeError,
      "[2] needs 2 values",
    );
    await assertRejects(
      () => writeSafetensors(path, { tensors: { __metadata__: f32([1], 1) } }),
      RangeError,
      "name",
    );
    await assertRejects(
      () => writeSafetensors(`${folder}/none/x`, { tensors: {} }),
      InputError,
      "does not exist",
    );
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});
