import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../../lib/core/mod.ts";
import { ensureFolder, writeFileAtomic } from "../../../lib/checkpoint/mod.ts";
import { withFolder } from "../_folder.ts";

const names = (folder: string) => [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();

Deno.test("writeFileAtomic() writes text, bytes and chunks, and leaves nothing else behind", async () => {
  await withFolder(async (folder) => {
    await writeFileAtomic(`${folder}/text`, "é");
    await writeFileAtomic(`${folder}/bytes`, Uint8Array.of(1, 2));
    await writeFileAtomic(`${folder}/chunks`, [Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)]);
    assertEquals([...await Deno.readFile(`${folder}/text`)], [0xc3, 0xa9]);
    assertEquals([...await Deno.readFile(`${folder}/bytes`)], [1, 2]);
    assertEquals([...await Deno.readFile(`${folder}/chunks`)], [1, 2, 3]);
    assertEquals(names(folder), ["bytes", "chunks", "text"]);
  });
});

Deno.test("writeFileAtomic() keeps the old content, and no part of the new, when the content fails", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a`;
    await writeFileAtomic(path, "old");
    const failing = function* (): Generator<Uint8Array> {
      yield new TextEncoder().encode("new");
      throw new RangeError("stopped half way");
    };
    await assertRejects(() => writeFileAtomic(path, failing()), RangeError, "stopped half way");
    assertEquals(await Deno.readTextFile(path), "old");
    assertEquals(names(folder), ["a"]);
  });
});

Deno.test("writeFileAtomic() shows the old content until the new one is whole", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a`;
    await writeFileAtomic(path, "old");
    const watching = function* (): Generator<Uint8Array> {
      yield new TextEncoder().encode("ne");
      assertEquals(Deno.readTextFileSync(path), "old");
      yield new TextEncoder().encode("w");
    };
    await writeFileAtomic(path, watching());
    assertEquals(await Deno.readTextFile(path), "new");
  });
});

Deno.test("writeFileAtomic() lets two writers of one file go on side by side", async () => {
  await withFolder(async (folder) => {
    const texts = Array.from({ length: 8 }, (_, index) => `${index}`.repeat(1000));
    await Promise.all(texts.map((text) => writeFileAtomic(`${folder}/a`, text)));
    assertEquals(texts.includes(await Deno.readTextFile(`${folder}/a`)), true);
    assertEquals(names(folder), ["a"]);
  });
});

Deno.test("writeFileAtomic() refuses a missing folder, a file as folder and a folder as file", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    await Deno.mkdir(`${folder}/taken/inner`, { recursive: true });
    await assertRejects(() => writeFileAtomic(`${folder}/none/a`, ""), InputError, "does not exist");
    await assertRejects(() => writeFileAtomic(`${folder}/file/a`, ""), InputError, "cannot write the file");
    await assertRejects(() => writeFileAtomic(`${folder}/taken`, ""), InputError, "cannot write the file");
    assertEquals(names(folder), ["file", "taken"]);
  });
});

Deno.test({
  name: "writeFileAtomic() and ensureFolder() say when Deno was not allowed to write",
  permissions: { read: true, write: false },
  fn: async () => {
    await assertRejects(() => writeFileAtomic("./never", ""), InputError, "without the permission");
    await assertRejects(() => ensureFolder("./never"), InputError, "without the permission");
  },
});

Deno.test("ensureFolder() makes parents, keeps what is there and refuses a file", async () => {
  await withFolder(async (folder) => {
    await ensureFolder(`${folder}/a/b`);
    await Deno.writeTextFile(`${folder}/a/b/kept`, "");
    await ensureFolder(`${folder}/a/b`);
    assertEquals(names(`${folder}/a/b`), ["kept"]);
    await assertRejects(() => ensureFolder(`${folder}/a/b/kept`), InputError, "a file stands");
    await assertRejects(() => ensureFolder(`${folder}/a/b/kept/c`), InputError, "cannot make the folder");
  });
});
