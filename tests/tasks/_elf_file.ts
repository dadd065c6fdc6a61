/**
 * A small 64-bit ELF file with the given NEEDED entries, laid out so that addresses differ from offsets: header, two
 * program headers, the dynamic table, the names.
 */
export function elfFile(needed: readonly string[]): Uint8Array {
  const names = new TextEncoder().encode(`\0${needed.map((name) => `${name}\0`).join("")}`);
  const base = 0x400000, dynamicAt = 64 + 2 * 56, entries = needed.length + 3;
  const namesAt = dynamicAt + entries * 16, size = namesAt + names.length;
  const bytes = new Uint8Array(size), view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setBigUint64(32, 64n, true); // program headers
  view.setUint16(54, 56, true);
  view.setUint16(56, 2, true);
  const segment = (index: number, type: number, from: number, length: number) => {
    const at = 64 + index * 56;
    view.setUint32(at, type, true);
    view.setBigUint64(at + 8, BigInt(from), true);
    view.setBigUint64(at + 16, BigInt(base + from), true);
    view.setBigUint64(at + 32, BigInt(length), true);
  };
  segment(0, 1, 0, size); // what is loaded
  segment(1, 2, dynamicAt, entries * 16); // the dynamic table
  let name = 1;
  const dynamic = [
    ...needed.map((text) => {
      const entry = [1n, BigInt(name)] as const;
      name += text.length + 1;
      return entry;
    }),
    [5n, BigInt(base + namesAt)] as const,
    [10n, BigInt(names.length)] as const,
    [0n, 0n] as const,
  ];
  dynamic.forEach(([tag, value], index) => {
    view.setBigUint64(dynamicAt + index * 16, tag, true);
    view.setBigUint64(dynamicAt + index * 16 + 8, value, true);
  });
  bytes.set(names, namesAt);
  return bytes;
}
