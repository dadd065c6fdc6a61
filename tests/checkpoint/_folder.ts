/** Runs a test body with a temporary folder, which is removed afterwards whatever happens. */
export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "checkpoint-" }));
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Bytes of a safetensors file with any header, right or wrong. `claim` replaces the stated header length. */
export function rawSafetensors(
  header: string | Uint8Array,
  options: { readonly data?: number | Uint8Array; readonly claim?: bigint } = {},
): Uint8Array<ArrayBuffer> {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const data = options.data instanceof Uint8Array ? options.data : new Uint8Array(options.data ?? 0);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, options.claim ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

/** A parsed golden file of fixtures/golden. */
export async function golden<T>(name: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(new URL(`../../fixtures/golden/${name}`, import.meta.url))) as T;
}
