import { InputError } from "../core/mod.ts";
import { availableMemory, type Device } from "../runtime/mod.ts";

/** What a program that may not ask how much memory is free counts on. */
const UNKNOWN = 4 * 2 ** 30;

/**
 * Bytes that the values of one batch of rows should not exceed, however much is free: larger batches are no faster,
 * and what decides how rows are batched must not be what else a machine happens to run.
 */
const BATCH_BYTES: Readonly<Record<Device, number>> = { cpu: 2 ** 28, cuda: 2 ** 33 };

/** Bytes in words: `1.5 GB`. */
function bytesText(bytes: number): string {
  const [size, unit] = bytes >= 1e9 ? [bytes / 1e9, "GB"] : [bytes / 1e6, "MB"];
  return `${size >= 100 ? Math.round(size) : Number(size.toPrecision(2))} ${unit}`;
}

/**
 * Memory that a model may take: its weights in every open session, and the values of what runs.
 *
 * On the CPU that is half of what was free when the model was opened, unless it is given. Of a GPU only its own driver
 * knows, so there is no bound unless one is given.
 */
export class MemoryBudget {
  /** Bytes. */
  readonly bytes: number;
  /** Bytes that the values of one batch of rows should not exceed. */
  readonly batchBytes: number;

  /** A budget of `memory` bytes, or of what there is. */
  constructor(options: { readonly memory?: number | undefined; readonly device: Device }) {
    const { memory, device } = options;
    const free = device === "cpu" ? (availableMemory() ?? 2 * UNKNOWN) / 2 : Infinity;
    this.bytes = memory ?? free;
    this.batchBytes = BATCH_BYTES[device];
  }

  /**
   * Checks that `what` fits: the values that it has beside a session's weights.
   *
   * @throws {InputError} where it does not.
   */
  check(bytes: { readonly weightBytes: number; readonly valueBytes: number }, what: string): void {
    const { weightBytes, valueBytes } = bytes;
    if (weightBytes + valueBytes <= this.bytes) return;
    throw new InputError(
      `${what} needs about ${bytesText(valueBytes)} of memory beside weights of ${
        bytesText(weightBytes)
      }, and ${bytesText(this.bytes)} are set aside`,
      { repair: "give it more (memory, --memory), fewer or shorter rows, or a smaller model" },
    );
  }
}
