import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import schema from "vega-lite/vega-lite-schema.json" with { type: "json" };
import type { VegaLiteSpec } from "../../lib/report/mod.ts";

let validator: ValidateFunction | undefined;

function describe(error: ErrorObject): string {
  const detail = Object.values(error.params).map((value) => JSON.stringify(value)).join(", ");
  return `${error.instancePath || "/"} ${error.message}${detail === "" ? "" : ` (${detail})`}`;
}

/**
 * Checks a specification against the JSON schema of the Vega-Lite version in use. The first call compiles the schema,
 * which takes seconds. Throws a TypeError that names the deepest place that does not fit.
 */
export function validateSpec(spec: VegaLiteSpec): void {
  // The schema is written for TypeScript's checker: `strict` would refuse its unions, and it uses no formats that matter.
  validator ??= new Ajv({ strict: false, validateFormats: false }).compile(schema);
  if (validator(spec)) return;
  // A union that fails lists the faults of every branch; the deepest ones belong to the branch that was meant.
  const errors = [...(validator.errors ?? [])];
  const depth = ({ instancePath }: ErrorObject) => instancePath.split("/").length;
  errors.sort((a, b) => depth(b) - depth(a));
  const deepest = errors.filter((error) => depth(error) === depth(errors[0] as ErrorObject)).slice(0, 3);
  throw new TypeError(
    `Cannot use a figure as it must be valid Vega-Lite: ${deepest.map(describe).join("; ")}`,
  );
}
