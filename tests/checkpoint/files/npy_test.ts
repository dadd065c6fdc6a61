import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { readNpy } from "../../../lib/checkpoint/mod.ts";
import { InputError, RandomStream } from "../../../lib/core/mod.ts";
import { golden, withFolder } from "../_folder.ts";

interface Golden {
  readonly read: Readonly<
    Record<
      string,
      { readonly bytes: string; readonly dims: readonly number[]; readonly values: readonly number[] }
    >
  >;
  readonly refused: Readonly<Record<string, string>>;
}

const GOLDEN = await golden<Golden>("npy.json");
const bytesOf = (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

const withFile = (body: (path: string) => Promise<void>) => withFolder((folder) => body(`${folder}/x.npy`));

/** A file of version 1.0 with any header. */
function npyFile(header: string, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(10 + text.length + dataBytes);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0]);
  new DataView(bytes.buffer).setUint16(8, text.length, true);
  bytes.set(text, 10);
  return bytes;
}

/** The one line that bytes are refused with. */
async function refusal(path: string, bytes: Uint8Array): Promise<string> {
  await Deno.writeFile(path, bytes);
  const { message } = await assertRejects(() => readNpy(path), InputError);
  assert(!message.includes("\n"), message);
  assertStringIncludes(message, path);
  return message;
}

Deno.test("readNpy() reads what numpy writes: every version, order and element type", () =>
  withFile(async (path) => {
    for (const [name, { bytes, dims, values }] of Object.entries(GOLDEN.read)) {
      await Deno.writeFile(path, bytesOf(bytes));
      const array = await readNpy(path);
      assertEquals([name, [...array.dims], [...array.data]], [name, [...dims], [...values]]);
      assertEquals(array.dtype, name.includes("<f2") ? "float16" : "float32");
    }
  }));

Deno.test("readNpy() refuses pickled objects and other element types by what they are", () =>
  withFile(async (path) => {
    for (const [name, bytes] of Object.entries(GOLDEN.refused)) {
      const message = await refusal(path, bytesOf(bytes));
      const expected = name === "objects"
        ? "holds Python objects, which are pickles and are not read"
        : name === "structure"
        ? "('x', '<f4')"
        : `has the dtype "${name}", where one of <f4, <f2 is needed`;
      assertStringIncludes(message, expected);
    }
  }));

Deno.test("readNpy() refuses a file that is missing, cut anywhere, or goes on after its data", () =>
  withFile(async (path) => {
    await assertRejects(() => readNpy(path), InputError);
    const whole = bytesOf(GOLDEN.read["v1 <f4 C"]?.bytes ?? "");
    for (let length = 0; length < whole.length; length++) await refusal(path, whole.subarray(0, length));
    const more = Uint8Array.of(...whole, 0);
    assertStringIncludes(await refusal(path, more), "has 49 bytes of data, where float32 [3, 4] needs 48");
    assertStringIncludes(
      await refusal(path, new TextEncoder().encode("these are not numbers")),
      "not a .npy file",
    );
  }));

Deno.test("readNpy() refuses versions and header lengths that it does not know", () =>
  withFile(async (path) => {
    const whole = bytesOf(GOLDEN.read["v2 <f4 C"]?.bytes ?? "");
    for (const [major, minor] of [[0, 0], [4, 0], [1, 1], [2, 7], [255, 255]] as const) {
      const bytes = whole.slice();
      bytes.set([major, minor], 6);
      assertStringIncludes(await refusal(path, bytes), `has version ${major}.${minor}`);
    }
    const bytes = whole.slice();
    new DataView(bytes.buffer).setUint32(8, 0xffffffff, true);
    assertStringIncludes(await refusal(path, bytes), "claims 4294967295 bytes, more than 10000");
  }));

Deno.test("readNpy() takes the one form of header that arrays have, and evaluates nothing", () =>
  withFile(async (path) => {
    const good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
    await Deno.writeFile(path, npyFile(good, 8));
    assertEquals((await readNpy(path)).dims, [2]);
    // Keys in another order, other quotes, no last comma: still the same dictionary.
    for (
      const same of [
        '{"shape": (2,), "descr": "<f4", "fortran_order": False}',
        "{ 'fortran_order' : False,'shape':( 2 , ),'descr':'<f4' }   \n",
      ]
    ) {
      await Deno.writeFile(path, npyFile(same, 8));
      assertEquals((await readNpy(path)).dims, [2]);
    }
    const wrong: readonly (readonly [string, string])[] = [
      ["", "is not a dictionary"],
      ["[1, 2]", "is not a dictionary"],
      ["{'descr': '<f4', 'fortran_order': False}", 'lacks the key "shape"'],
      ["{'fortran_order': False, 'shape': (2,)}", 'lacks the key "descr"'],
      ["{'descr': '<f4', 'shape': (2,)}", 'lacks the key "fortran_order"'],
      [good.replace("}", "'more': True}"), 'has the unknown key "more"'],
      [good.replace("}", "'descr': '<f2'}"), 'has the key "descr" twice'],
      [good.replace("False", "0"), "cannot be read at"],
      [good.replace("False", "'False'"), 'has "\'False\'" for "fortran_order"'],
      [good.replace("(2,)", "(2)"), "has the shape (2)"],
      [good.replace("(2,)", "(-2,)"), "cannot be read at"],
      [good.replace("(2,)", "(2,,)"), "has the shape (2,,)"],
      [good.replace("(2,)", "(1 2,)"), "has the shape (1 2,)"],
      [good.replace("(2,)", "[2]"), 'has "[2]" for "shape"'],
      [good.replace("(2,)", "tuple([2])"), "cannot be read at"],
      [good.replace("'<f4'", "__import__('os').getcwd()"), "cannot be read at"],
      [good.replace("<f4", "__proto__"), 'has the dtype "__proto__"'],
      [good.replace("(2,)", "(999999999999999, 999999999999999)"), "of data, where float32"],
    ];
    for (const [header, message] of wrong) {
      assertStringIncludes(await refusal(path, npyFile(header, 8)), message);
    }
  }));

const ROUNDS = 2000;
const PIECES = ["'", '"', "(", ")", "{", "}", ",", ":", " ", "0", "9", "True", "O", "<f2", "\\", "\x00", "é"];

Deno.test("readNpy() survives thousands of damaged files with an InputError or a sound array", async () => {
  const outcomes = { sound: 0, refused: 0 };
  const seeds = Object.values(GOLDEN.read).map(({ bytes }) => bytesOf(bytes));
  await withFile(async (path) => {
    for (let round = 0; round < ROUNDS; round++) {
      const stream = new RandomStream(0, "npy", round);
      let bytes = [...stream.pick(seeds)];
      for (let edit = stream.integer({ below: 3 }); edit >= 0; edit--) {
        const at = stream.integer({ below: bytes.length }), length = stream.integer({ from: 1, below: 4 });
        const piece = [...new TextEncoder().encode(stream.pick(PIECES))];
        switch (stream.integer({ below: 4 })) {
          case 0:
            bytes[at] = stream.integer({ below: 256 });
            break;
          case 1:
            bytes.splice(at, piece.length, ...piece);
            break;
          case 2:
            bytes.splice(at, length, ...piece);
            break;
          default:
            if (stream.uniform() < 0.3) bytes = bytes.slice(0, at);
        }
        if (bytes.length === 0) bytes = [0];
      }
      await Deno.writeFile(path, Uint8Array.from(bytes));
      try {
        const { dims, data } = await readNpy(path);
        assertEquals(dims.reduce((product, dim) => product * dim, 1), data.length, `round ${round}`);
        outcomes.sound++;
      } catch (error) {
        if (!(error instanceof InputError)) throw new Error(`round ${round}`, { cause: error });
        outcomes.refused++;
      }
    }
  });
  assert(outcomes.sound > ROUNDS / 20 && outcomes.refused > ROUNDS / 4, JSON.stringify(outcomes));
});
