import { assert, assertEquals } from "@std/assert";
import { GGUF_LIMITS, parseGgufHeader } from "../../lib/checkpoint/gguf/_gguf_header.ts";
import { planGguf } from "../../lib/checkpoint/gguf/import_gguf.ts";
import { importGguf } from "../../lib/checkpoint/mod.ts";
import { InputError, RandomStream } from "../../lib/core/mod.ts";
import { withFolder } from "./_folder.ts";
import {
  f32,
  i32s,
  type ModelParts,
  RAW,
  type RawGguf,
  rawGguf,
  type RawTensor,
  type RawValue,
  text,
  texts,
  tinyGguf,
  u32,
} from "./_gguf_file.ts";

interface Parts extends RawGguf {
  metadata: (readonly [string, RawValue])[];
  tensors: RawTensor[];
  version?: number;
  magic?: string;
  tensorCount?: bigint;
  pairCount?: bigint;
}

/** Keys without which a file says too little, and values that none of them may have. */
const NEEDED = [
  "general.architecture",
  "llama.block_count",
  "llama.context_length",
  "llama.embedding_length",
  "llama.feed_forward_length",
  "llama.attention.head_count",
  "llama.attention.layer_norm_rms_epsilon",
  "tokenizer.ggml.model",
  "tokenizer.ggml.pre",
  "tokenizer.ggml.tokens",
  "tokenizer.ggml.merges",
];
const WRONG: readonly RawValue[] = [
  f32(NaN),
  { type: RAW.bool, value: true },
  { type: RAW.u64, value: 2n ** 63n },
  { type: 11, value: -1n },
  { type: 12, value: Infinity },
  { type: 0, value: 0 },
  texts(["\u0000", "x"]),
  i32s([-1, 2]),
  text("�\n\u0007"),
];

/** Bytes that no text has. */
const NO_TEXT = Uint8Array.of(0x61, 0xff, 0xc0);

const huge = (stream: RandomStream): bigint => 2n ** BigInt(stream.integer({ from: 24, below: 64 })) - 1n;

/** Changes of the parts of a file, after each of which it is damaged beyond doubt. */
const PART_DAMAGES: readonly ((parts: Parts, stream: RandomStream) => void)[] = [
  (parts, stream) =>
    void (parts.magic = stream.pick(["GGUG", "gguf", "PK\u0003\u0004", "\u0000\u0000\u0000\u0000"])),
  (parts, stream) => void (parts.version = stream.pick([0, 1, 4, 255, 0x03000000, 0x02000000, 0xffffffff])),
  (parts, stream) => {
    const count = BigInt(parts.tensors.length);
    parts.tensorCount = stream.pick([0n, count - 1n, count + 1n, huge(stream)]);
  },
  (parts, stream) => {
    const count = BigInt(parts.metadata.length);
    parts.pairCount = stream.pick([0n, count - 1n, count + 1n, huge(stream)]);
  },
  (parts, stream) => {
    const key = stream.pick(NEEDED);
    parts.metadata = parts.metadata.filter(([name]) => name !== key);
  },
  (parts, stream) => {
    const key = stream.pick(NEEDED), wrong = stream.pick(WRONG);
    parts.metadata = parts.metadata.map(([name, value]) => [name, name === key ? wrong : value]);
  },
  (parts, stream) => {
    const at = stream.integer({ below: parts.metadata.length });
    parts.metadata.splice(
      stream.integer({ below: parts.metadata.length }),
      0,
      parts.metadata[at] as readonly [string, RawValue],
    );
  },
  (parts, stream) => {
    const type = stream.pick([13, 14, 255, 0x80000000]);
    parts.metadata[stream.integer({ below: parts.metadata.length })] = ["x.y", { type, value: 1 }];
  },
  (parts, stream) => {
    const list = stream.pick([9, 13, RAW.text, RAW.i32, 0]), values = list === RAW.text ? ["a"] : [1, 2];
    parts.metadata.splice(stream.integer({ below: parts.metadata.length }), 0, [
      "x.y",
      { list, values, claim: list === 9 || list === 13 ? 2n : huge(stream) },
    ]);
  },
  (parts, stream) => {
    parts.metadata.splice(stream.integer({ below: parts.metadata.length }), 0, [
      "general.note",
      stream.pick<RawValue>([{ type: RAW.text, value: NO_TEXT }, { type: RAW.bool, value: 2 }]),
    ]);
  },
  (parts, stream) => {
    const alignment = stream.pick<RawValue>([
      u32(0),
      u32(3),
      u32(1),
      u32(48),
      u32(2 ** 31),
      text("32"),
      f32(32.5),
      u32(64),
    ]);
    parts.metadata.push(["general.alignment", alignment]);
  },
  (parts, stream) => {
    const at = stream.integer({ below: parts.tensors.length }), tensor = parts.tensors[at] as RawTensor;
    const dim = stream.integer({ below: tensor.shape.length });
    const value = stream.pick([0, 1, 5, (tensor.shape[dim] as number) + 32, 2 ** 41, 2 ** 52]);
    parts.tensors[at] = { ...tensor, shape: tensor.shape.map((one, index) => index === dim ? value : one) };
  },
  (parts, stream) => {
    const at = stream.integer({ below: parts.tensors.length }), tensor = parts.tensors[at] as RawTensor;
    const shape = stream.pick([[], [1, 1, 1, 1, 1], [...tensor.shape, 1], [...tensor.shape, 2]]);
    parts.tensors[at] = { ...tensor, shape };
  },
  (parts, stream) => {
    // Of the shortest tensors half as many bytes would end in the same padding.
    const long = [...parts.tensors.keys()].filter((at) => (parts.tensors[at] as RawTensor).bytes.length > 64);
    const at = stream.pick(long), tensor = parts.tensors[at] as RawTensor;
    const type = stream.pick([1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 24, 28, 30, 99, 0xffffffff]);
    parts.tensors[at] = { ...tensor, type };
  },
  (parts, stream) => {
    const at = stream.integer({ below: parts.tensors.length }), tensor = parts.tensors[at] as RawTensor;
    parts.tensors[at] = {
      ...tensor,
      offset: at === 0 ? 32n : stream.pick([0n, 1n, 16n, huge(stream), 2n ** 64n - 32n]),
    };
  },
  (parts, stream) => {
    const at = stream.integer({ below: parts.tensors.length }), tensor = parts.tensors[at] as RawTensor;
    const other = parts.tensors[(at + 1) % parts.tensors.length] as RawTensor;
    const name = stream.pick([
      "",
      "x",
      "blk.9.attn_q.weight",
      `${tensor.name}x`,
      other.name,
      "a".repeat(2000),
    ]);
    parts.tensors[at] = { ...tensor, name };
  },
  (parts, stream) => void parts.tensors.splice(stream.integer({ below: parts.tensors.length }), 1),
  (parts, stream) => {
    const at = stream.integer({ below: parts.tensors.length }), tensor = parts.tensors[at] as RawTensor;
    const bytes = stream.pick([tensor.bytes.slice(32), new Uint8Array(tensor.bytes.length + 64)]);
    parts.tensors[at] = { ...tensor, bytes };
  },
];

/** A sound file, small so that many can be tried. */
const tiny = (): ModelParts => tinyGguf("llama", { layers: 1, letters: 12 });

/** A damaged file: its parts changed, cut short, or with bytes after its end. */
function damaged(stream: RandomStream): Uint8Array<ArrayBuffer> {
  const { metadata, tensors } = tiny(), parts: Parts = { metadata: [...metadata], tensors };
  const kind = stream.integer({ below: PART_DAMAGES.length + 4 });
  if (kind < PART_DAMAGES.length) {
    (PART_DAMAGES[kind] as (typeof PART_DAMAGES)[number])(parts, stream);
    return rawGguf(parts);
  }
  const whole = rawGguf(parts);
  if (kind > PART_DAMAGES.length) return whole.slice(0, stream.integer({ below: whole.length }));
  const longer = new Uint8Array(whole.length + 32 * stream.integer({ from: 1, below: 9 }));
  longer.set(whole);
  return longer;
}

const source = (bytes: Uint8Array<ArrayBuffer>) => ({
  bytes: bytes.length,
  read(offset: number, length: number) {
    assert(
      offset >= 0 && offset + length <= bytes.length,
      `read of ${length} at ${offset} of ${bytes.length}`,
    );
    return bytes.subarray(offset, offset + length);
  },
});

function assertOneLine(error: unknown, round: number): void {
  if (!(error instanceof InputError)) throw new Error(`round ${round}`, { cause: error });
  const { message } = error;
  // deno-lint-ignore no-control-regex
  assert(!/[\u0000-\u001f]/.test(message) && message.length < 500, `round ${round}: ${message}`);
}

const ROUNDS = 10_000, FILE_ROUNDS = 400, FLIP_ROUNDS = 3000;

Deno.test(`${ROUNDS} damaged GGUF files are refused in one line each`, () => {
  planGguf(source(rawGguf(tiny())), { where: "x.gguf" }); // the file itself is sound
  const lines = new Map<string, number>(), before = Deno.memoryUsage().rss;
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = damaged(new RandomStream(0, "gguf", round));
    let refused = false;
    try {
      planGguf(source(bytes), { where: "x.gguf" });
    } catch (error) {
      assertOneLine(error, round);
      refused = true;
      const kind = (error as InputError).what.replace(/\d+|"(?:[^"\\]|\\.)*"/g, "_");
      lines.set(kind, (lines.get(kind) ?? 0) + 1);
    }
    assert(refused, `round ${round}: a damaged file was taken`);
  }
  // Many different faults, or the damages would all be of one sort.
  assert(lines.size > 40, `${lines.size} kinds of fault`);
  const grownBytes = Deno.memoryUsage().rss - before;
  assert(grownBytes < 3e8, `memory grew by ${grownBytes} bytes on files of 4,000`);
});

Deno.test(`${FILE_ROUNDS} damaged GGUF files on disk are refused by importGguf() and leave nothing`, () =>
  withFolder(async (folder) => {
    const path = `${folder}/x.gguf`;
    for (let round = 0; round < FILE_ROUNDS; round++) {
      await Deno.writeFile(path, damaged(new RandomStream(1, "gguf", round)));
      const result = await importGguf(path, { out: `${folder}/out` }).catch((error: unknown) => error);
      assertOneLine(result, round);
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["x.gguf"]);
    }
  }));

Deno.test(`${FLIP_ROUNDS} GGUF files with a byte changed are refused in one line or sound`, () => {
  const whole = rawGguf(tiny()), outcomes = { sound: 0, refused: 0 };
  for (let round = 0; round < FLIP_ROUNDS; round++) {
    const stream = new RandomStream(2, "gguf", round), bytes = whole.slice();
    for (let change = stream.integer({ from: 1, below: 4 }); change > 0; change--) {
      bytes[stream.integer({ below: bytes.length })] = stream.integer({ below: 256 });
    }
    try {
      planGguf(source(bytes), { where: "x.gguf" });
      for (const { offset, length } of parseGgufHeader(source(bytes), { where: "x.gguf" }).tensors.values()) {
        assert(offset + length <= bytes.length);
      }
      outcomes.sound++;
    } catch (error) {
      assertOneLine(error, round);
      outcomes.refused++;
    }
  }
  assert(outcomes.sound > FLIP_ROUNDS / 20 && outcomes.refused > FLIP_ROUNDS / 10, JSON.stringify(outcomes));
});

Deno.test("a GGUF header that claims the most takes no more memory than the file has", () => {
  const before = Deno.memoryUsage().rss;
  for (const list of [0, RAW.i32, RAW.text]) {
    const { metadata, tensors } = tiny();
    metadata.set("x.y", { list, values: [], claim: BigInt(GGUF_LIMITS.values) });
    try {
      planGguf(source(rawGguf({ metadata, tensors })), { where: "x.gguf" });
      assert(false, "taken");
    } catch (error) {
      assertOneLine(error, list);
    }
  }
  const grownBytes = Deno.memoryUsage().rss - before;
  assert(grownBytes < 1e8, `memory grew by ${grownBytes} bytes`);
});
