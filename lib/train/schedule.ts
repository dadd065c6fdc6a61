/** How the learning rate changes over a run. */
export interface Schedule {
  /** Linear warm-up from 0 over this many steps. */
  readonly warmupSteps: number;
  /** After the warm-up: stay, or fall along a cosine to `floor` times the peak. */
  readonly decay: "constant" | "cosine";
  /** Steps of the whole run; used by the cosine. */
  readonly totalSteps: number;
  /** Share of the peak at the end of a cosine. `@default 0.1` */
  readonly floor?: number;
}

/**
 * Factor on the peak learning rate at a zero-based step. With a warm-up the first step has factor 0, as in the
 * published runs (constant_with_warmup; class: code).
 */
export function scheduleFactor(schedule: Schedule, step: number): number {
  if (step < schedule.warmupSteps) return step / schedule.warmupSteps;
  if (schedule.decay === "constant") return 1;
  const floor = schedule.floor ?? 0.1;
  const progress = (step - schedule.warmupSteps) / Math.max(1, schedule.totalSteps - schedule.warmupSteps);
  return floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress)));
}
