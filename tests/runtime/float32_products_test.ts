import { assertEquals } from "@std/assert";
import { float32Products } from "../../lib/runtime/mod.ts";

/** Variables of a made-up process. */
function variables(given: Record<string, string>, allowed = true) {
  return {
    given,
    allowed: () => allowed,
    get: (name: string) => given[name],
    set: (name: string, value: string) => void (given[name] = value),
  };
}

Deno.test("float32Products() sets the variable where the user has not, and leaves what the user says", () => {
  for (
    const [before, after, products] of [
      [{}, "0", "exact"],
      [{ NVIDIA_TF32_OVERRIDE: "" }, "0", "exact"],
      [{ NVIDIA_TF32_OVERRIDE: "0" }, "0", "exact"],
      [{ NVIDIA_TF32_OVERRIDE: "1" }, "1", "tf32"],
    ] as const
  ) {
    const process = variables({ ...before });
    assertEquals([float32Products(process), process.given.NVIDIA_TF32_OVERRIDE], [products, after]);
  }
});

Deno.test("float32Products() touches nothing where it may not look", () => {
  const process = variables({}, false);
  assertEquals([float32Products(process), process.given], ["unknown", {}]);
});
