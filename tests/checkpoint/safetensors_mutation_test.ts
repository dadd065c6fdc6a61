import { assert } from "@std/assert";
import { InputError, RandomStream } from "../../lib/core/mod.ts";
import { readSafetensorsHeader } from "../../lib/checkpoint/mod.ts";
import { rawSafetensors, withFolder } from "./_folder.ts";

const ROUNDS = 2500;
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
function damaged(stream: RandomStream): Uint8Array {
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

Deno.test("readSafetensorsHeader() survives thousands of damaged headers with an InputError or a sound result", async () => {
  const before = Deno.memoryUsage().rss;
  const outcomes = { sound: 0, refused: 0 };
  await withFolder(async (folder) => {
    const path = `${folder}/x.safetensors`;
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = damaged(new RandomStream(0, "mutation", round));
      await Deno.writeFile(path, bytes);
      try {
        const file = await readSafetensorsHeader(path);
        for (const { offset, length } of file.tensors.values()) {
          assert(offset >= 8 && offset + length <= bytes.length, `round ${round}: a tensor outside the file`);
        }
        outcomes.sound++;
      } catch (error) {
        if (!(error instanceof InputError)) throw new Error(`round ${round}`, { cause: error });
        outcomes.refused++;
      }
    }
  });
  // Both kinds must occur, or the edits would be too gentle or too harsh to mean anything.
  assert(outcomes.sound > ROUNDS / 20 && outcomes.refused > ROUNDS / 4, JSON.stringify(outcomes));
  const grownBytes = Deno.memoryUsage().rss - before;
  assert(grownBytes < 3e8, `memory grew by ${grownBytes} bytes on files of 400`);
});
