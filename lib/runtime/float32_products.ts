/** Variable by which NVIDIA's libraries are told whether float32 products may run in TF32. */
const VARIABLE = "NVIDIA_TF32_OVERRIDE";

/** The variables of a process, as far as one is asked for. */
export interface Variables {
  /** Whether it may be read and set. */
  allowed(name: string): boolean;
  /** Its value, where it has one. */
  get(name: string): string | undefined;
  /** Gives it a value. */
  set(name: string, value: string): void;
}

const PROCESS: Variables = {
  allowed: (variable) => Deno.permissions.querySync({ name: "env", variable }).state === "granted",
  get: (name) => Deno.env.get(name),
  set: (name, value) => Deno.env.set(name, value),
};

/**
 * How float32 products on CUDA come out: `exact`, in `tf32` (a mantissa of 10 bits), or `unknown` to a program that
 * may not look.
 */
export type Float32Products = "exact" | "tf32" | "unknown";

/**
 * Makes float32 products on CUDA exact, and says whether they are. ONNX Runtime's provider multiplies float32 in TF32
 * and its binding has no option against it; NVIDIA's libraries read a variable when they are loaded, which is when the
 * first session on CUDA is made. It is set to 0 here unless the user has set it: a value of theirs stands.
 *
 * A program without `--allow-env=NVIDIA_TF32_OVERRIDE` cannot tell: it must be started with the variable.
 */
export function float32Products(variables: Variables = PROCESS): Float32Products {
  if (!variables.allowed(VARIABLE)) return "unknown";
  const given = variables.get(VARIABLE);
  if (given === undefined || given === "") variables.set(VARIABLE, "0");
  return given === undefined || given === "" || given === "0" ? "exact" : "tf32";
}
