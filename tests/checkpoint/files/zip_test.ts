import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { memorySource, unpack, zipEntries } from "../../../lib/checkpoint/mod.ts";
import { InputError } from "../../../lib/core/mod.ts";
import { bytesOfText, zip } from "../../tasks/_zip.ts";

const archive = (): Uint8Array<ArrayBuffer> =>
  zip({ "a/stored": bytesOfText("as it is"), "a/deflated": bytesOfText("packed ".repeat(50)) });

/** The archive with every place of one text changed to another of its length. */
function replaced(from: string, to: string): Uint8Array<ArrayBuffer> {
  const letters = String.fromCharCode(...archive()).replaceAll(from, to);
  return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
}

const entriesOf = (bytes: Uint8Array<ArrayBuffer>) => zipEntries(memorySource(bytes));

async function textOf(bytes: Uint8Array<ArrayBuffer>, at: number): Promise<string> {
  let text = "";
  const source = memorySource(bytes), entry = entriesOf(bytes)[at] as ReturnType<typeof entriesOf>[number];
  await unpack(source, entry, { write: (piece) => void (text += new TextDecoder().decode(piece)) });
  return text;
}

Deno.test("zipEntries() and unpack() bring stored and deflated members back", async () => {
  assertEquals(entriesOf(archive()).map(({ name, method, size }) => [name, method, size]), [
    ["a/stored", 0, 8],
    ["a/deflated", 8, 350],
  ]);
  assertEquals([await textOf(archive(), 0), await textOf(archive(), 1)], ["as it is", "packed ".repeat(50)]);
});

Deno.test("zipEntries() refuses names that stand twice, encryption, and bytes after the end", () => {
  const twice = zip({ "a/one.stored": bytesOfText("1"), "a/two.stored": bytesOfText("2") });
  const letters = String.fromCharCode(...twice).replaceAll("a/two", "a/one");
  assertThrows(
    () => entriesOf(Uint8Array.from(letters, (letter) => letter.charCodeAt(0))),
    InputError,
    'the archive has "a/one.stored" twice',
  );
  const encrypted = archive(), view = new DataView(encrypted.buffer);
  for (let at = 0; at + 46 < encrypted.length; at++) {
    if (view.getUint32(at, true) === 0x02014b50) view.setUint16(at + 8, 1, true);
  }
  assertThrows(() => entriesOf(encrypted), InputError, "the archive is encrypted");
  assertThrows(() => entriesOf(new Uint8Array([...archive(), 0])), InputError, "not a zip archive");
});

Deno.test("unpack() refuses members whose bytes are others than the directory says", async () => {
  await assertRejects(() => textOf(replaced("as it is", "AS IT IS"), 0), InputError, '"a/stored" is damaged');
  const bent = archive(), deflated = entriesOf(bent)[1] as ReturnType<typeof entriesOf>[number];
  const first = deflated.offset + 30 + "a/deflated".length;
  bent[first] = (bent[first] as number) ^ 0xff;
  await assertRejects(() => textOf(bent, 1), InputError, '"a/deflated" is damaged');
});

Deno.test("memorySource() gives the bytes that are asked for", () => {
  const { bytes, read } = memorySource(Uint8Array.of(1, 2, 3, 4, 5));
  assertEquals([bytes, [...read(1, 3)], [...read(4, 1)], [...read(2, 0)]], [5, [2, 3, 4], [5], []]);
});
