import { InputError } from "../core/mod.ts";

/**
 * ONNX Runtime for pages, of the version of the binding, and its files that a page needs: the module that stands for
 * the binding there, and what it loads. The package is large: it is fetched only where a page is made.
 */
export const WEB_RUNTIME = {
  package: "npm:onnxruntime-web@1.30.0",
  module: "ort.wasm.bundle.min.mjs",
  binary: "ort-wasm-simd-threaded.wasm",
} as const;

/**
 * The files of ONNX Runtime that a page needs, by name: they belong into one folder, and the page's import map maps
 * `onnxruntime-node` to the module. Fetches the npm package where it is not there yet.
 *
 * @throws {InputError} where it cannot be had.
 */
export async function webRuntimeFiles(): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
  const { package: where, module, binary } = WEB_RUNTIME, entry = `${where}/wasm`;
  try {
    await import(entry); // brings the package; nothing of it runs before a session is made
    const read = async (specifier: string, name: string) =>
      [name, await Deno.readFile(new URL(import.meta.resolve(specifier)))] as const;
    return new Map(
      await Promise.all([
        read(entry, module),
        read(`${where}/${binary}`, binary),
      ]),
    );
  } catch (cause) {
    throw new InputError("cannot read the files of ONNX Runtime for pages", {
      where,
      repair: "allow Deno to fetch the npm package once, and to read its cache",
      cause,
    });
  }
}
