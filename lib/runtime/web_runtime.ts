import { InputError } from "../core/mod.ts";

/** ONNX Runtime for pages, of the version of the binding: large, so that it is fetched only where a page is made. */
const PACKAGE = "npm:onnxruntime-web@1.30.0";

/** Its files that a page needs: the module that stands for the binding there, and what it loads. */
export const WEB_RUNTIME = {
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
  const entry = `${PACKAGE}/wasm`;
  try {
    await import(entry); // brings the package; nothing of it runs before a session is made
    const read = async (specifier: string, name: string) =>
      [name, await Deno.readFile(new URL(import.meta.resolve(specifier)))] as const;
    return new Map(
      await Promise.all([
        read(entry, WEB_RUNTIME.module),
        read(`${PACKAGE}/${WEB_RUNTIME.binary}`, WEB_RUNTIME.binary),
      ]),
    );
  } catch (cause) {
    throw new InputError("cannot read the files of ONNX Runtime for pages", {
      where: PACKAGE,
      repair: "allow Deno to fetch the npm package once, and to read its cache",
      cause,
    });
  }
}
