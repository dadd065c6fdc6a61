import type { ShiftSample } from "../analysis/mod.ts";
import type { ProbabilityShift } from "../decode/mod.ts";

/** A traced text as JSON can carry it: typed arrays become lists. */
export interface ShiftRecord {
  readonly tokens: readonly number[];
  readonly promptLength: number;
  readonly shift: {
    readonly [K in keyof ProbabilityShift]: ProbabilityShift[K] extends number ? number : readonly unknown[];
  };
}

/** A trace made fit for the store. */
export function toRecord(sample: ShiftSample): ShiftRecord {
  const { shift } = sample;
  return {
    tokens: sample.tokens,
    promptLength: sample.promptLength,
    shift: {
      rows: shift.rows,
      maxShift: [...shift.maxShift],
      maxToken: [...shift.maxToken],
      minShift: [...shift.minShift],
      minToken: [...shift.minToken],
      baseToken: [...shift.baseToken],
      steeredToken: [...shift.steeredToken],
      klNats: [...shift.klNats],
      followed: shift.followed.map((series) => [...series]),
    },
  };
}

/** The trace that a record was made from, to the last bit: JSON keeps float64 exactly. */
export function fromRecord(record: ShiftRecord): ShiftSample {
  const { shift } = record;
  const floats = (list: readonly unknown[]) => Float64Array.from(list as readonly number[]);
  const integers = (list: readonly unknown[]) => Int32Array.from(list as readonly number[]);
  return {
    tokens: record.tokens,
    promptLength: record.promptLength,
    shift: {
      rows: shift.rows,
      maxShift: floats(shift.maxShift),
      maxToken: integers(shift.maxToken),
      minShift: floats(shift.minShift),
      minToken: integers(shift.minToken),
      baseToken: integers(shift.baseToken),
      steeredToken: integers(shift.steeredToken),
      klNats: floats(shift.klNats),
      followed: shift.followed.map((series) => floats(series as readonly unknown[])),
    },
  };
}
