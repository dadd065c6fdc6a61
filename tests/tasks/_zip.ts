import { crc32, deflateRawSync } from "node:zlib";

/** UTF-8 bytes of a text. */
export const bytesOfText = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);

/** A zip archive: members are deflated but for those whose name ends in "stored", or all are stored. */
export function zip(
  members: Readonly<Record<string, Uint8Array>>,
  options: { readonly stored?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [], directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, bytes] of Object.entries(members)) {
    const stored = options.stored === true || name.endsWith("stored"),
      packed = stored ? bytes : new Uint8Array(deflateRawSync(bytes));
    const header = (mark: number, length: number, at: number) => {
      const head = new Uint8Array(length + name.length), view = new DataView(head.buffer);
      view.setUint32(0, mark, true);
      view.setUint16(at + 4, stored ? 0 : 8, true);
      view.setUint32(at + 10, crc32(bytes), true);
      view.setUint32(at + 14, packed.length, true);
      view.setUint32(at + 18, bytes.length, true);
      view.setUint16(at + 22, name.length, true);
      head.set(bytesOfText(name), length);
      return { head, view };
    };
    const local = header(0x04034b50, 30, 4), central = header(0x02014b50, 46, 6);
    central.view.setUint32(42, offset, true);
    parts.push(local.head, packed);
    directory.push(central.head);
    offset += local.head.length + packed.length;
  }
  const end = new Uint8Array(22), view = new DataView(end.buffer);
  view.setUint32(0, 0x06054b50, true);
  view.setUint16(10, directory.length, true);
  view.setUint32(12, directory.reduce((sum, part) => sum + part.length, 0), true);
  view.setUint32(16, offset, true);
  const all = [...parts, ...directory, end];
  const whole = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
