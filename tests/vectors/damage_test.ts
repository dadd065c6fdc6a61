import { memoryFolder, memorySource, zipEntries } from "../../lib/checkpoint/mod.ts";
import type { RandomStream } from "../../lib/core/mod.ts";
import { assert } from "@std/assert";
import { crc32 } from "node:zlib";
import { loadControlVector, loadNpyVectors, loadSvec, loadTorchVectors } from "../../lib/vectors/mod.ts";
import {
  ramp,
  type RawGguf,
  rawGguf,
  type RawTensor,
  type RawValue,
  text,
  u32,
} from "../checkpoint/_gguf_file.ts";
import { npyOf } from "../checkpoint/_npy_bytes.ts";
import {
  assertRefused,
  assertSurvived,
  assertVectors,
  cutOrLonger,
  edited,
  replaced,
  ROUNDS,
} from "./_damage.ts";
import { bytesOf, formatsGolden } from "./_formats_golden.ts";

const encode = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);

/** Reads bytes as a file. */
const reading =
  <T>(load: (path: string, config: null) => Promise<T>) => (bytes: Uint8Array<ArrayBuffer>): Promise<T> =>
    load(`${memoryFolder("damage", new Map([["file", bytes]]))}/file`, null);

/** Parts of a control vector of layers 1 and 4, eight numbers each, so that nothing follows the last one. */
function controlParts(): RawGguf & { metadata: (readonly [string, RawValue])[]; tensors: RawTensor[] } {
  const tensor = (layer: number) => ({
    name: `direction.${layer}`,
    type: 0,
    shape: [8],
    bytes: ramp(8, layer),
  });
  return {
    metadata: [
      ["general.architecture", text("controlvector")],
      ["controlvector.model_hint", text("llama")],
      ["controlvector.layer_count", u32(2)],
    ],
    tensors: [tensor(1), tensor(4)],
  };
}

const NAMES = [
  "direction",
  "direction.",
  "direction.-1",
  "direction.01",
  "direction.1.5",
  "x.1",
  "direction.4x",
  "",
];

function damagedControl(stream: RandomStream): Uint8Array<ArrayBuffer> {
  const parts = controlParts(), at = stream.integer({ below: 2 }), tensor = parts.tensors[at] as RawTensor;
  const put = (change: Partial<RawTensor>) => void (parts.tensors[at] = { ...tensor, ...change });
  const numbers = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
  const place = stream.integer({ below: 8 });
  const changes: readonly (() => void)[] = [
    () => put({ name: stream.pick(NAMES) }),
    () => put({ name: (parts.tensors[1 - at] as RawTensor).name }),
    () => put({ type: stream.pick([1, 2, 8, 12, 30, 99]) }),
    () => put({ shape: stream.pick([[7], [9], [8, 1], [2, 4], [0], []]) }),
    () => put({ shape: [6], bytes: ramp(6) }),
    () =>
      put({
        bytes: numbers(
          ...[1, 2, 3, 4, 5, 6, 7, 8].map((v, i) =>
            i === place ? stream.pick([NaN, Infinity, -Infinity]) : v
          ),
        ),
      }),
    () => put({ offset: stream.pick([1n, 16n, 64n, 2n ** 40n]) }),
    () => void parts.tensors.splice(0, 2),
    () => void (parts.metadata = parts.metadata.slice(1)),
    () => void (parts.metadata[0] = ["general.architecture", stream.pick([text("llama"), text(""), u32(1)])]),
    () => void parts.metadata.push(stream.pick(parts.metadata)),
  ];
  const kind = stream.integer({ below: changes.length + 6 });
  if (kind < changes.length) {
    (changes[kind] as () => void)();
    return rawGguf(parts);
  }
  if (kind === changes.length) return rawGguf({ ...parts, version: stream.pick([0, 1, 4, 77]) });
  if (kind === changes.length + 1) {
    return rawGguf({ ...parts, tensorCount: stream.pick([0n, 1n, 3n, 2n ** 50n]) });
  }
  return cutOrLonger(rawGguf(parts), stream);
}

Deno.test(`${ROUNDS} damaged GGUF control vectors are refused in one line each`, async () => {
  const read = reading(loadControlVector);
  assertVectors((await read(rawGguf(controlParts()))).vectors);
  await assertRefused(damagedControl, { read, seed: "control", kinds: 12 });
  await assertSurvived((stream) => edited(rawGguf(controlParts()), stream), {
    read,
    check: ({ vectors }) => assertVectors(vectors),
    seed: "control",
  });
});

const NPY = npyOf([3, 2], [1, 2, 0, 0, -3, 0.5]);

function damagedNpy(stream: RandomStream): Uint8Array<ArrayBuffer> {
  if (stream.uniform() < 0.4) return cutOrLonger(NPY, stream);
  const head = 10 + 118, header = new TextDecoder().decode(NPY.subarray(10, head)), data = NPY.slice(head);
  const edits: readonly (readonly [string, string])[] = [
    ["<f4", stream.pick(["<f8", ">f4", "|O", "<i4", "f4", "", "<f2"])],
    ["False", stream.pick(["false", "0", "None"])],
    [
      "(3, 2, )",
      stream.pick([
        "(3, 3, )",
        "(2, 2, )",
        "(6,)",
        "(3, 2",
        "[3, 2]",
        "(-3, -2)",
        "(3 2)",
        "(9999999999999999, 2)",
      ]),
    ],
    ["'shape'", stream.pick(["'shape_'", "'descr'", "shape"])],
    ["{", stream.pick(["", "[", "{{"])],
    ["}", stream.pick(["", ")", ", 'x': 1}"])],
  ];
  const floats = new Float32Array(data.buffer), kind = stream.integer({ below: edits.length + 4 });
  const [from, to] = edits[kind] ?? ["", ""];
  const changed = encode(
    (kind < edits.length ? replaced(header, from, to) : header).trimEnd().padEnd(117).slice(0, 117) + "\n",
  );
  const start = NPY.slice(0, 10);
  if (kind === edits.length) floats[stream.integer({ below: 6 })] = stream.pick([NaN, Infinity, -Infinity]);
  else if (kind === edits.length + 1) floats.fill(0);
  else if (kind === edits.length + 2) {
    start[stream.integer({ below: 7 })] = stream.integer({ from: 4, below: 30 });
  } else if (kind === edits.length + 3) start[8] = stream.pick([0, 1, 60, 117, 119, 255]);
  return new Uint8Array([...start, ...changed, ...data]);
}

Deno.test(`${ROUNDS} damaged .npy files of vectors are refused in one line each`, async () => {
  const read = reading(loadNpyVectors);
  assertVectors(await read(NPY));
  await assertRefused(damagedNpy, { read, seed: "npy", kinds: 12 });
  await assertSurvived((stream) => edited(NPY, stream), { read, check: assertVectors, seed: "npy" });
});

const SVEC = JSON.stringify({
  model_type: "llama",
  directions: { 1: [0.5, -1.25, 3e-9], 4: [1, 2, 3] },
  explained_variances: { 1: 0.5, 4: null },
});

function damagedSvec(stream: RandomStream): Uint8Array<ArrayBuffer> {
  const wrong = stream.pick(['"1"', "null", "true", "[1]", "{}", "1e400", "1e39", "01", "NaN", "1,", "[]"]);
  const edits: readonly (readonly [string, string])[] = [
    ["-1.25", wrong],
    [
      "[1,2,3]",
      stream.pick(["[1,2]", "[1,2,3,4]", "[]", "[[1,2,3],[1,2,3]]", "[[]]", "7", '"x"', "null", "{}"]),
    ],
    [
      '"4":[',
      stream.pick(['"-4":[', '"04":[', '"4.5":[', '"1":[', '"":[', '"__proto__":[', '"1e2":[', '"layer":[']),
    ],
    ['"directions"', stream.pick(['"direction"', '"model_type"', '""'])],
    ['"llama"', stream.pick(["1", "null", "[]", `"${"x".repeat(2000)}"`])],
    ['"explained_variances"', stream.pick(['"variances"', '"directions"', '"model_type"'])],
    ["0.5}", "0.5}"],
    ["null}", stream.pick(['"x"}', "[]}", "true}"])],
    [":{", stream.pick([":[", ":", ":{{", "={"])],
    ["]", ""],
  ].filter(([from, to]) => from !== to) as [string, string][];
  if (stream.uniform() < 0.2) {
    return stream.uniform() < 0.5
      ? encode(SVEC.slice(0, stream.integer({ below: SVEC.length })))
      : encode(SVEC + stream.pick(["}", "]", "x", "{}", "\u0000", ",1"]));
  }
  if (stream.uniform() < 0.1) {
    const bytes = encode(SVEC);
    bytes[stream.integer({ below: bytes.length })] = stream.pick([0x80, 0xff, 0xc0]);
    return bytes;
  }
  const [from, to] = stream.pick(edits);
  return encode(replaced(SVEC, from, to));
}

Deno.test(`${ROUNDS} damaged .svec files are refused in one line each`, async () => {
  const read = reading(loadSvec);
  assertVectors((await read(encode(SVEC))).vectors);
  await assertRefused(damagedSvec, { read, seed: "svec", kinds: 12 });
  await assertSurvived((stream) => edited(encode(SVEC), stream), {
    read,
    check: ({ vectors }) => assertVectors(vectors),
    seed: "svec",
  });
});

const golden = await formatsGolden();
const TORCH = Object.values(golden.torch.read).map(({ bytes }) => bytesOf(bytes));

/** Where the bytes of the members that are read lie: those that torch calls version and the like are not. */
function readRanges(bytes: Uint8Array<ArrayBuffer>): readonly (readonly [number, number])[] {
  const view = new DataView(bytes.buffer);
  return zipEntries(memorySource(bytes)).filter(({ name }) => /\/(data\.pkl|data\/\d+|byteorder)$/.test(name))
    .map(
      ({ offset, size }) => {
        const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
        return [start, start + size] as const;
      },
    );
}

/** The archive with a member's bytes changed and its sum set right, in its own header's and the directory's record. */
function resealed(
  bytes: Uint8Array<ArrayBuffer>,
  change: (member: Uint8Array<ArrayBuffer>) => void,
  wanted: RegExp,
): Uint8Array<ArrayBuffer> {
  const out = bytes.slice(), view = new DataView(out.buffer);
  const entry = zipEntries(memorySource(bytes)).find(({ name }) => wanted.test(name));
  assert(entry !== undefined);
  const start = entry.offset + 30 + view.getUint16(entry.offset + 26, true) +
    view.getUint16(entry.offset + 28, true);
  change(out.subarray(start, start + entry.size));
  const sum = crc32(out.subarray(start, start + entry.size));
  for (let at = 0; at + 46 < out.length; at++) {
    if (view.getUint32(at, true) === 0x02014b50 && view.getUint32(at + 42, true) === entry.offset) {
      view.setUint32(at + 16, sum, true);
    }
  }
  return out;
}

/** Instructions of pickles that a dictionary of tensors never has: among them those that build any object. */
const INSTRUCTIONS = [
  0x30,
  0x31,
  0x32,
  0x46,
  0x47,
  0x49,
  0x4c,
  0x53,
  0x54,
  0x55,
  0x56,
  0x5d,
  0x61,
  0x64,
  0x65,
  0x67,
];
const BUILDERS = [
  0x69,
  0x6c,
  0x6f,
  0x70,
  0x81,
  0x82,
  0x83,
  0x84,
  0x8a,
  0x8b,
  0x8f,
  0x90,
  0x91,
  0x92,
  0x96,
  0x97,
  0x98,
];

function damagedTorch(stream: RandomStream): Uint8Array<ArrayBuffer> {
  const bytes = stream.pick(TORCH), kind = stream.integer({ below: 10 });
  if (kind < 3) return cutOrLonger(bytes, stream);
  if (kind < 6) {
    // A changed byte does not have the sum that the archive states.
    const [from, to] = stream.pick(readRanges(bytes)), out = bytes.slice();
    const at = stream.integer({ from, below: to });
    out[at] = (out[at] as number) ^ stream.integer({ from: 1, below: 256 });
    return out;
  }
  if (kind === 6) return resealed(bytes, (order) => order.set(encode("big   ")), /byteorder$/);
  if (kind === 7) {
    return resealed(
      bytes,
      (pickle) => pickle.fill(0x2e, pickle.length - stream.integer({ from: 3, below: 20 })),
      /pkl$/,
    );
  }
  // Behind the version, which two bytes say.
  if (kind === 8) {
    return resealed(
      bytes,
      (pickle) => void (pickle[2] = stream.pick([...INSTRUCTIONS, ...BUILDERS])),
      /pkl$/,
    );
  }
  return resealed(bytes, (pickle) => {
    const letters = new TextDecoder("latin1").decode(pickle);
    const from = stream.pick(["_rebuild_tensor_v2", "Storage", "storage", "torch._utils"]),
      at = letters.indexOf(from);
    pickle.set(encode("x".repeat(from.length)), at);
  }, /pkl$/);
}

Deno.test(`${ROUNDS} damaged files of torch.save are refused in one line each`, async () => {
  const read = reading(loadTorchVectors);
  for (const bytes of TORCH) assertVectors((await read(bytes)).vectors);
  await assertRefused(damagedTorch, { read, seed: "torch", kinds: 12 });
});

Deno.test("pickles of torch with random edits and right sums are refused in one line, or give vectors", async () => {
  const edit = (stream: RandomStream) =>
    resealed(stream.pick(TORCH), (pickle) => {
      for (let count = stream.integer({ from: 1, below: 4 }); count > 0; count--) {
        pickle[stream.integer({ below: pickle.length })] = stream.integer({ below: 256 });
      }
    }, /pkl$/);
  const read = reading(loadTorchVectors);
  await assertSurvived(edit, {
    read,
    check: ({ vectors }) => assertVectors(vectors),
    seed: "pickle",
    rounds: ROUNDS,
  });
});
