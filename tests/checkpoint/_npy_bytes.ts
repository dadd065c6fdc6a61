/** A .npy file of version 1.0 with float32 numbers, row by row. */
export function npyOf(dims: readonly number[], values: readonly number[]): Uint8Array<ArrayBuffer> {
  const tuple = `(${dims.map((dim) => `${dim}, `).join("")})`;
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  const header = new TextEncoder().encode(`${dictionary.padEnd(117)}\n`);
  const data = new Uint8Array(Float32Array.from(values).buffer);
  const bytes = new Uint8Array(10 + header.length + data.length);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length, 0]);
  bytes.set(header, 10);
  bytes.set(data, 10 + header.length);
  return bytes;
}
