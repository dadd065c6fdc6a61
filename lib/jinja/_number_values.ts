import { TemplateFault } from "./_faults.ts";

/** The float of a number; `TemplateFault` for an int beyond all floats. */
export function floatOf(value: boolean | bigint | number): number {
  if (typeof value === "number") return value;
  const float = Number(value);
  if (!Number.isFinite(float)) throw new TemplateFault("int too large to convert to float");
  return float;
}

/** A float without what follows the point; `TemplateFault` where it is not finite. */
export function wholePart(value: number): bigint {
  if (Number.isNaN(value)) throw new TemplateFault("cannot convert float NaN to integer");
  if (!Number.isFinite(value)) throw new TemplateFault("cannot convert float infinity to integer");
  return BigInt(Math.trunc(value));
}
