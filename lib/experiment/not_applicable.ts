import { InputError } from "../core/mod.ts";

/**
 * An item asks for what a profile does not have: a model of some role, a run, an autoencoder. That is no failure of a
 * reproduction; what a profile has and nobody has made yet is an ordinary `InputError`.
 */
export class NotApplicable extends InputError {}
