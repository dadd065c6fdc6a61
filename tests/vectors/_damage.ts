import { assert } from "@std/assert";
import { InputError, RandomStream } from "../../lib/core/mod.ts";

/** Damaged files of each format. */
export const ROUNDS = 10_000;

/** Files of each format with random edits, which may leave a sound file. */
export const EDIT_ROUNDS = 1_000;

function assertOneLine(error: unknown, round: number): InputError {
  if (!(error instanceof InputError)) throw new Error(`round ${round}`, { cause: error });
  const { message } = error;
  // deno-lint-ignore no-control-regex
  assert(!/[\u0000-\u001f]/.test(message) && message.length < 500, `round ${round}: ${message}`);
  return error;
}

/** Bytes of this test's own heap and buffers: those of the process are of every test that runs beside it. */
function heldBytes(): number {
  const { heapTotal, external } = Deno.memoryUsage();
  return heapTotal + external;
}

function assertBounded(before: number): void {
  const grownBytes = heldBytes() - before;
  assert(grownBytes < 4e8, `memory grew by ${grownBytes} bytes on files of a few kilobytes`);
}

/**
 * Every damaged file must be refused by an `InputError` of one line; `kinds` is how many different lines there must be
 * at least, so that the damages are known to differ.
 */
export async function assertRefused<T>(
  make: (stream: RandomStream) => T,
  options: { readonly read: (damaged: T) => unknown; readonly seed: string; readonly kinds: number },
): Promise<void> {
  const { read, seed, kinds } = options, lines = new Set<string>(), before = heldBytes();
  for (let round = 0; round < ROUNDS; round++) {
    const damaged = make(new RandomStream(0, seed, round));
    let refused = false;
    try {
      await read(damaged);
    } catch (error) {
      lines.add(assertOneLine(error, round).what.replace(/\d+|"(?:[^"\\]|\\.)*"|\[.*\]/g, "_"));
      refused = true;
    }
    if (round % 100 === 0) assertBounded(before);
    assert(refused, `${seed}, round ${round}: a damaged file was taken`);
  }
  assert(lines.size >= kinds, `only ${lines.size} kinds of refusal:\n${[...lines].join("\n")}`);
}

/** Every edited file must be refused in one line, or give what `check` finds sound; both must occur. */
export async function assertSurvived<T, R>(
  make: (stream: RandomStream) => T,
  options: {
    readonly read: (edited: T) => R | Promise<R>;
    readonly check: (result: R) => void;
    readonly seed: string;
    readonly rounds?: number;
  },
): Promise<void> {
  const { read, check, seed, rounds = EDIT_ROUNDS } = options, before = heldBytes();
  let sound = 0, refused = 0;
  for (let round = 0; round < rounds; round++) {
    const edited = make(new RandomStream(1, seed, round));
    if (round % 100 === 0) assertBounded(before);
    let result: R;
    try {
      result = await read(edited);
    } catch (error) {
      assertOneLine(error, round);
      refused++;
      continue;
    }
    check(result);
    sound++;
  }
  assert(sound > rounds / 100 && refused > rounds / 10, `${sound} sound, ${refused} refused`);
}

/** Finite vectors of one width by whole layers. */
export function assertVectors(vectors: ReadonlyMap<number, Float32Array>): void {
  const widths = new Set([...vectors.values()].map(({ length }) => length));
  assert(widths.size === 1 && !widths.has(0), `widths ${[...widths]}`);
  for (const [layer, vector] of vectors) {
    assert(Number.isInteger(layer) && layer >= 0 && vector.every(Number.isFinite), `layer ${layer}`);
  }
}

/** The bytes cut short, or with more after their end. */
export function cutOrLonger(bytes: Uint8Array<ArrayBuffer>, stream: RandomStream): Uint8Array<ArrayBuffer> {
  if (stream.uniform() < 0.5) return bytes.slice(0, stream.integer({ below: bytes.length }));
  const longer = new Uint8Array(bytes.length + 32 * stream.integer({ from: 1, below: 9 })).fill(0x41);
  longer.set(bytes);
  return longer;
}

/** One to four bytes changed, a piece doubled or dropped: what comes out may be sound. */
export function edited(bytes: Uint8Array<ArrayBuffer>, stream: RandomStream): Uint8Array<ArrayBuffer> {
  const at = stream.integer({ below: bytes.length }), length = stream.integer({ from: 1, below: 9 });
  const kind = stream.integer({ below: 6 }), end = Math.min(bytes.length, at + length);
  if (kind === 0) return new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(end)]);
  if (kind === 1) return new Uint8Array([...bytes.subarray(0, end), ...bytes.subarray(at)]);
  const out = bytes.slice();
  for (let count = stream.integer({ from: 1, below: 5 }); count > 0; count--) {
    out[stream.integer({ below: out.length })] = stream.integer({ below: 256 });
  }
  return out;
}

/** A text with one thing replaced by another, everywhere; the thing must be there. */
export function replaced(text: string, from: string | RegExp, to: string): string {
  const out = text.replace(from, () => to);
  assert(out !== text, `nothing to replace: ${from}`);
  return out;
}
