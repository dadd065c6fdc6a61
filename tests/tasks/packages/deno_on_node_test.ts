import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Deno as OnNode } from "../../../tasks/packages/deno_on_node.ts";
import { withFolder } from "../../checkpoint/_folder.ts";

Deno.test("files are read, written and described on Node as on Deno", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.bin`, bytes = Uint8Array.from({ length: 9 }, (_, i) => i);
    const made = await OnNode.open(path, { write: true, createNew: true });
    for (let done = 0; done < bytes.length;) done += await made.write(bytes.subarray(done, done + 4));
    await made.syncData();
    made.close();
    assertEquals(await Deno.readFile(path), bytes);
    assertEquals(await OnNode.readFile(path), bytes);
    {
      using file = await OnNode.open(path, {});
      const buffer = new Uint8Array(4);
      await file.seek(6);
      assertEquals([await file.read(buffer), [...buffer]], [3, [6, 7, 8, 0]]);
      assertEquals(await file.read(buffer), null);
      assertEquals([file.seekSync(1), file.readSync(buffer), [...buffer]], [1, 4, [1, 2, 3, 4]]);
    }
    await OnNode.mkdir(`${folder}/deep/down`, { recursive: true });
    await OnNode.symlink("a.bin", `${folder}/link`);
    assertEquals((await OnNode.lstat(`${folder}/link`)).isSymlink, true);
    assertEquals(await OnNode.realPath(`${folder}/link`), await Deno.realPath(path));
    const names = async (
      entries: AsyncIterable<{ readonly name: string; readonly isDirectory: boolean }>,
    ) => {
      const found: string[] = [];
      for await (const { name, isDirectory } of entries) found.push(`${name} ${isDirectory}`);
      return found.sort();
    };
    assertEquals(await names(OnNode.readDir(folder)), await names(Deno.readDir(folder)));
    for (const name of ["a.bin", "deep"]) {
      const { size, isFile, isDirectory } = await Deno.stat(`${folder}/${name}`);
      const ours = await OnNode.stat(`${folder}/${name}`);
      assertEquals([ours.size, ours.isFile, ours.isDirectory], [size, isFile, isDirectory]);
    }
    await OnNode.rename(path, `${folder}/b.bin`);
    await OnNode.remove(`${folder}/deep`, { recursive: true });
    assertEquals(await names(Deno.readDir(folder)), ["b.bin false", "link false"]);
  }));

Deno.test("faults of files on Node are those that the library tells apart", () =>
  withFolder(async (folder) => {
    const { NotFound, AlreadyExists, NotADirectory, FilesystemLoop, BadResource } = OnNode.errors;
    await Deno.writeTextFile(`${folder}/a`, "a");
    await Deno.symlink("loop", `${folder}/loop`);
    await assertRejects(() => OnNode.open(`${folder}/none`, {}), NotFound);
    await assertRejects(() => OnNode.stat(`${folder}/none`), NotFound);
    await assertRejects(() => OnNode.readFile(`${folder}/none`), NotFound);
    await assertRejects(() => OnNode.remove(`${folder}/none`), NotFound);
    assertThrows(() => OnNode.statSync(`${folder}/none`), NotFound);
    await assertRejects(() => OnNode.open(`${folder}/a`, { write: true, createNew: true }), AlreadyExists);
    await assertRejects(() => OnNode.mkdir(`${folder}/a`), AlreadyExists);
    await assertRejects(() => OnNode.stat(`${folder}/a/b`), NotADirectory);
    await assertRejects(() => OnNode.stat(`${folder}/loop`), FilesystemLoop);
    // Some modules tell faults by their names, as they run in pages too.
    await assertRejects(() => OnNode.lstat(`${folder}/none`), Error).then(({ name }) =>
      assertEquals(name, "NotFound")
    );
    const file = await OnNode.open(`${folder}/a`, {});
    file.close();
    assertThrows(() => file.close(), BadResource);
  }));
