import { assert, assertEquals, assertRejects } from "@std/assert";
import { InputError, RandomStream } from "../../lib/core/mod.ts";
import { JSON_LIMITS } from "../../lib/checkpoint/files/_json_file.ts";
import { headerLength, parseHeader } from "../../lib/checkpoint/files/_safetensors_header.ts";
import { readSafetensorsHeader, type SafetensorsFile } from "../../lib/checkpoint/mod.ts";
import { rawSafetensors, withFolder } from "./_folder.ts";

const HEADER = JSON.stringify({
  __metadata__: { format: "pt" },
  "model.embed_tokens.weight": { dtype: "F32", shape: [4, 3], data_offsets: [0, 48] },
  "model.norm.weight": { dtype: "BF16", shape: [3], data_offsets: [48, 54] },
  x: { dtype: "U8", shape: [], data_offsets: [54, 55] },
});
const NUMBERS = [
  "0",
  "-1",
  "1",
  "3",
  "48",
  "54",
  "1e3",
  "0.5",
  "9007199254740992",
  "1e400",
  "-0",
  "null",
  '"4"',
];
const PIECES = ['"', "{", "}", "[", "]", ",", ":", "\\", "\u0000", "é", '"x":{},', '"shape":[1],', "  "];

/** One edit of the text of a header: a number, a letter or a piece of it replaced, added, dropped or doubled. */
function edited(text: string, stream: RandomStream): string {
  const at = stream.integer({ below: text.length + 1 });
  const end = Math.min(text.length, at + stream.integer({ from: 1, below: 12 }));
  const numbers = [...text.matchAll(/\d+/g)];
  switch (stream.integer({ below: 6 })) {
    case 0: {
      if (numbers.length === 0) return text;
      const match = stream.pick(numbers);
      return text.slice(0, match.index) + stream.pick(NUMBERS) + text.slice(match.index + match[0].length);
    }
    case 1:
      return text.slice(0, at) + text.slice(end);
    case 2:
      return text.slice(0, at) + stream.pick(PIECES) + text.slice(at);
    case 3:
      return text.slice(0, at) + text.slice(at, end) + text.slice(at);
    case 4:
      return text.slice(0, at) + String.fromCharCode(stream.integer({ below: 128 })) + text.slice(at + 1);
    default:
      return text.replaceAll(stream.pick(["F32", "BF16", "U8", "x"]), stream.pick(["F32", "U8", "C64", "y"]));
  }
}

/** A damaged file: edits of the header, a wrong length, broken bytes, a cut. */
function damaged(stream: RandomStream): Uint8Array<ArrayBuffer> {
  let header = HEADER;
  for (let edit = stream.integer({ below: 4 }); edit > 0; edit--) header = edited(header, stream);
  const wrongLength = stream.uniform() < 0.15;
  const claim = BigInt(
    stream.pick([0, 1, HEADER.length - 1, HEADER.length + 1, 2 ** 31, 99_999_999, 2 ** 62]),
  );
  const bytes = rawSafetensors(header, { data: 55, ...(wrongLength ? { claim } : {}) });
  if (stream.uniform() < 0.2) bytes[stream.integer({ below: bytes.length })] = stream.integer({ below: 256 });
  return stream.uniform() < 0.15 ? bytes.subarray(0, stream.integer({ below: bytes.length })) : bytes;
}

/** What reading a damaged file came to; anything but an `InputError` or a sound result throws. */
function tally(
  outcomes: { sound: number; refused: number },
  round: number,
  read: () => SafetensorsFile,
): void {
  try {
    const file = read();
    for (const { offset, length } of file.tensors.values()) {
      assert(offset >= 8 && offset + length <= file.bytes, `round ${round}: a tensor outside the file`);
    }
    outcomes.sound++;
  } catch (error) {
    if (!(error instanceof InputError)) throw new Error(`round ${round}`, { cause: error });
    assert(!error.message.includes("\n") && error.message.length < 400, `round ${round}: ${error.message}`);
    outcomes.refused++;
  }
}

/** Both kinds must occur, or the edits would be too gentle or too harsh to mean anything. */
function assertMixed({ sound, refused }: { sound: number; refused: number }, rounds: number): void {
  assertEquals(sound + refused, rounds);
  assert(sound > rounds / 20 && refused > rounds / 4, `${sound} sound, ${refused} refused`);
}

const HEADER_ROUNDS = 20_000, FILE_ROUNDS = 300;

Deno.test(`${HEADER_ROUNDS} damaged safetensors headers are refused by an InputError or give a sound result`, () => {
  const before = Deno.memoryUsage().rss, outcomes = { sound: 0, refused: 0 };
  for (let round = 0; round < HEADER_ROUNDS; round++) {
    const bytes = damaged(new RandomStream(0, "mutation", round)), where = "x.safetensors";
    tally(outcomes, round, () => {
      const length = headerLength(bytes.slice(0, 8), { bytes: bytes.length, where });
      return parseHeader(bytes.subarray(8, 8 + length), { file: where, bytes: bytes.length, where });
    });
  }
  assertMixed(outcomes, HEADER_ROUNDS);
  const grownBytes = Deno.memoryUsage().rss - before;
  assert(grownBytes < 3e8, `memory grew by ${grownBytes} bytes on files of 400`);
});

Deno.test("readSafetensorsHeader() does the same with damaged files on disk", async () => {
  const outcomes = { sound: 0, refused: 0 };
  await withFolder(async (folder) => {
    const path = `${folder}/x.safetensors`;
    for (let round = 0; round < FILE_ROUNDS; round++) {
      await Deno.writeFile(path, damaged(new RandomStream(1, "mutation", round)));
      const result = await readSafetensorsHeader(path).catch((error: unknown) => error);
      tally(outcomes, round, () => {
        if (result instanceof Error) throw result;
        return result as SafetensorsFile;
      });
    }
  });
  assertMixed(outcomes, FILE_ROUNDS);
});

Deno.test("a header of the largest size that parses to nothing of use takes bounded memory", async () => {
  const { bytes: limit, values } = JSON_LIMITS.header;
  const keys = Array.from({ length: values - 2 }, (_, index) => `"${index.toString(36)}":0`).join();
  await withFolder(async (folder) => {
    const path = `${folder}/x.safetensors`, before = Deno.memoryUsage().rss;
    const refused = async (header: string, message: string) => {
      await Deno.writeFile(path, rawSafetensors(header.padEnd(limit)));
      await assertRejects(() => readSafetensorsHeader(path), InputError, message);
    };
    await refused(`{${keys}}`, "is not described by an object");
    await refused(`{${'"a":0,'.repeat(values + 1)}"b":0}`, "values, more than the limit");
    await refused(`{"a":"${"\\u0041".repeat(2_000_000)}"}`, "is not described by an object");
    const grownBytes = Deno.memoryUsage().rss - before;
    assert(grownBytes < 6e8, `memory grew by ${grownBytes} bytes`);
    await Deno.truncate(path, 200_000_000);
    await Deno.writeFile(path, rawSafetensors("", { claim: 100_000_000n }).subarray(0, 8), { create: false });
    await Deno.truncate(path, 200_000_000);
    await assertRejects(
      () => readSafetensorsHeader(path),
      InputError,
      "the header has 100000000 bytes, more than",
    );
  });
});
