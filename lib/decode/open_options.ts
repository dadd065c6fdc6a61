import { checkOptions } from "../core/mod.ts";
import type { ComputeDType } from "../model/mod.ts";
import type { Device } from "../runtime/mod.ts";
import type { SessionNews } from "./_model_sessions.ts";

/** How a model is opened. */
export interface OpenOptions {
  /** `@default "cpu"` */
  readonly device?: Device | undefined;
  /** Threads inside one operation. `@default 2` */
  readonly threads?: number | undefined;
  /** Folder of the hub cache, for models by id. `@default` {@link hubCacheFolder} */
  readonly hubCache?: string;
  /** The day that a chat template may show, as `2024-07-26`. `@default` none: templates that ask for it are refused */
  readonly date?: string;
  /**
   * Type of matrices, residual stream and KV cache; norms, softmax, logits and all that follows are float32 even
   * in a 16-bit one. `@default` float32 on the CPU, bfloat16 on CUDA
   */
  readonly dtype?: Exclude<ComputeDType, "float64"> | undefined;
  /**
   * Bytes of memory that the model may take, weights included. Rows are batched and blocks computed a second time so
   * as to stay within it; what cannot is refused before any work. `@default` half of what is free; no bound on CUDA
   */
  readonly memory?: number | undefined;
  /** Told of every session, before it is made, which blocks the thread, and once it is. `@default` nobody */
  readonly onSession?: ((news: SessionNews) => void | Promise<void>) | undefined;
}

const KNOWN = ["device", "threads", "hubCache", "date", "dtype", "memory", "onSession"] as const;
KNOWN satisfies readonly (keyof OpenOptions)[];
const DTYPES = ["float32", "float16", "bfloat16"], DEVICES = ["cpu", "cuda"];

/**
 * Refuses what a caller without types could pass, before anything is read.
 *
 * @throws {RangeError} that names the option and its value.
 * @throws {TypeError} for an option that there is not.
 */
export function checkOpening(options: OpenOptions): void {
  checkOptions(options, { known: KNOWN, action: "open a model" });
  const { device = "cpu", dtype = "float32", threads = 1, memory = 1 } = options;
  const refuse = (name: string, must: string, value: unknown): never => {
    throw new RangeError(
      `Cannot open a model as ${name} must be ${must}: current value is ${JSON.stringify(value)}`,
    );
  };
  if (!DEVICES.includes(device)) refuse("device", DEVICES.join(" or "), device);
  if (!DTYPES.includes(dtype)) refuse("dtype", DTYPES.join(", "), dtype);
  if (!(Number.isInteger(threads) && threads >= 1)) refuse("threads", "a whole number ≥ 1", threads);
  if (!(memory > 0)) refuse("memory", "a number of bytes > 0", memory);
}
