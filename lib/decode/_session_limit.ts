import { DTYPE_BYTES } from "../core/mod.ts";

/** Sessions that stay open at once, and bytes of weights in all of them together. */
const SESSIONS = 6, WEIGHT_BYTES = 8 * 2 ** 30;

/**
 * Sessions that a model of so many parameters may keep: each has its own copy of the weights in float32, so small
 * models keep one per graph, and a model of more than a billion parameters has one at a time.
 */
export function sessionLimit(parameters: number): number {
  const fitting = Math.floor(WEIGHT_BYTES / (parameters * DTYPE_BYTES.float32));
  return Math.max(1, Math.min(SESSIONS, fitting));
}
