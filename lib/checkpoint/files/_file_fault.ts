import { InputError } from "../../core/mod.ts";

/** Where a file operation failed and what a person can do about it. */
interface FaultPlace {
  readonly what: string;
  readonly where: string;
  readonly repair?: string;
}

/** Reasons in words for the errors of the operating system that people meet, by name: a page knows no class of them. */
const REASONS: Readonly<Record<string, string>> = {
  NotFound: "does not exist",
  PermissionDenied: "permission denied",
  FilesystemLoop: "its links lead in a circle",
  NotCapable: "Deno was started without the permission for it",
};

/**
 * The `InputError` for a failed file operation. An error that the operating system did not raise (a `TypeError`
 * of ours, an `InputError` already made) comes back as it is, so that no programming fault is hidden.
 */
export function fileFault(error: unknown, place: FaultPlace): unknown {
  if (!(error instanceof Error)) return error;
  const known = "code" in error || (typeof Deno !== "undefined" && error.name in Deno.errors);
  if (!known || error instanceof InputError) return error;
  return new InputError(`${place.what}, ${REASONS[error.name] ?? error.message}`, {
    where: place.where,
    repair: place.repair,
    cause: error,
  });
}
