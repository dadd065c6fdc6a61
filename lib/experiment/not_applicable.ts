import { InputError } from "../core/mod.ts";

/**
 * An item asks for what a profile does not have: a model of some role, a run, an autoencoder. That is no failure of a
 * reproduction; what a profile has and nobody has made yet is an ordinary `InputError`.
 *
 * @example
 * ```ts
 * import { NotApplicable } from "./mod.ts";
 * const error = new NotApplicable("the profile has no model of the role b");
 * if (error.what !== "the profile has no model of the role b") throw new Error("the reason in a line");
 * ```
 */
export class NotApplicable extends InputError {}
