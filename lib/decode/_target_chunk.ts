import type { Device } from "../runtime/mod.ts";

/** Logits that a chunk of targets may have on a CPU: 32 MiB of float32, of which two or three are held at once. */
const CPU_LOGITS = 2 ** 23;
/** Fewer targets would read the unembedding more often than they use it; more win nothing. */
const LEAST = 64, MOST = 1024;

/** Targets whose logits are computed at once. A fixed number for a model and device, so that it decides no result. */
export function targetChunk(vocab: number, device: Device): number {
  if (device !== "cpu") return MOST;
  return Math.max(LEAST, Math.min(MOST, Math.floor(CPU_LOGITS / vocab)));
}
