/**
 * Bytes of memory that programs may still take, or null to a program that may not ask
 * (`--allow-sys=systemMemoryInfo`).
 */
export function availableMemory(): number | null {
  if (typeof Deno === "undefined") return null; // a page
  const asked = Deno.permissions.querySync({ name: "sys", kind: "systemMemoryInfo" });
  return asked.state === "granted" ? Deno.systemMemoryInfo().available : null;
}

/**
 * Hands memory that has been freed back to the system, where the C library is glibc: that keeps blocks of up to 32 MB,
 * which a model's weights are, for itself until it is told not to.
 */
export function returnFreedMemory(): void {
  if (typeof Deno === "undefined" || Deno.build.os !== "linux") return;
  let libc;
  try {
    libc = Deno.dlopen("libc.so.6", { malloc_trim: { parameters: ["usize"], result: "i32" } });
  } catch {
    return; // another C library, which has no such call
  }
  libc.symbols.malloc_trim(0n);
  libc.close();
}
