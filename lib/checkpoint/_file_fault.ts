import { InputError } from "../core/mod.ts";

/** Where a file operation failed and what a person can do about it. */
interface FaultPlace {
  readonly what: string;
  readonly where: string;
  readonly repair?: string;
}

/** Reasons in words for the errors of the operating system that people meet. */
function reasonOf(error: Error): string {
  if (error instanceof Deno.errors.NotFound) return "does not exist";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.FilesystemLoop) return "its links lead in a circle";
  if (error instanceof Deno.errors.NotCapable) return "Deno was started without the permission for it";
  return error.message;
}

/**
 * The `InputError` for a failed file operation. An error that the operating system did not raise (a `TypeError`
 * of ours, an `InputError` already made) comes back as it is, so that no programming fault is hidden.
 */
export function fileFault(error: unknown, place: FaultPlace): unknown {
  if (!(error instanceof Error)) return error;
  const known = Object.values(Deno.errors).some((kind) => error instanceof kind) || "code" in error;
  if (!known || error instanceof InputError) return error;
  return new InputError(`${place.what}, ${reasonOf(error)}`, {
    where: place.where,
    ...(place.repair === undefined ? {} : { repair: place.repair }),
    cause: error,
  });
}
