/**
 * A stand-in for jsr:@std/cli: the one function this project uses. `links` in deno.json selects it; delete that
 * field to use the published package.
 *
 * @module
 */
export { type Args, parseArgs, type ParseOptions } from "./parse_args.ts";
