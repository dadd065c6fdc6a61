import type { RandomStream } from "../../lib/core/mod.ts";
import { rawSafetensors } from "../checkpoint/_folder.ts";

/** A tensor of a file to be damaged, float32. */
export interface Part {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: readonly number[];
  readonly dtype?: string;
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, at) => (from + at) / 8 - 1);
/** A tensor of numbers that differ from each other. */
export const part = (name: string, dims: readonly number[], from = 0): Part => {
  return { name, dims, data: numbers(dims.reduce((product, dim) => product * dim, 1), from) };
};

/** A safetensors file whose header says what the parts say, right or wrong. */
export function fileOf(
  parts: readonly Part[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  let end = 0;
  const entries = parts.map(({ name, dims, data, dtype = "F32" }) => {
    const begin = end;
    end += 4 * data.length;
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape: dims, data_offsets: [begin, end] })}`;
  });
  const header = [`"__metadata__":${JSON.stringify(metadata)}`, ...entries].join(",");
  const data = new Uint8Array(Float32Array.from(parts.flatMap(({ data }) => data)).buffer);
  return rawSafetensors(`{${header}}`, { data });
}

/** Changes of one tensor, after each of which no reader of these tensors may take the file. */
export function damagedParts(
  parts: readonly Part[],
  stream: RandomStream,
  names: readonly string[],
): readonly Part[] {
  const at = stream.integer({ below: parts.length }), one = parts[at] as Part;
  const put = (change: Partial<Part>) =>
    parts.map((other, index) => index === at ? { ...one, ...change } : other);
  const [first = 1, ...rest] = one.dims, spot = stream.integer({ below: one.data.length });
  return stream.pick<() => readonly Part[]>([
    () => put({ name: stream.pick(names) }),
    () => put({ name: (parts[(at + 1) % parts.length] as Part).name }),
    () => put({ dtype: stream.pick(["I32", "F64", "C64", "U8", "BF16", ""]) }),
    () => put({ dims: [first + stream.pick([-1, 1, 1000]), ...rest] }),
    () => put({ dims: stream.pick([[first, ...rest, 1], [1, first, ...rest], [-1], [0], [0.5], [2 ** 53]]) }),
    () => put(part(one.name, [first + 1, ...rest])),
    () =>
      put({
        data: one.data.map((value, index) =>
          index === spot ? stream.pick([NaN, Infinity, -Infinity]) : value
        ),
      }),
  ])();
}
