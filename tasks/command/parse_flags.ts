import { parseArgs } from "@std/cli/parse-args";
import type { z } from "zod";
import { InputError, suggestion } from "../../lib/core/mod.ts";
import { didYouMean } from "./did_you_mean.ts";

/** What every flag says about itself. */
interface FlagBase {
  /** One line for `--help`. */
  readonly help: string;
  /** The word that stands for the value in `--help`. @default {the kind} */
  readonly metavar?: string;
}

/** A flag with a text. */
export interface StringFlag extends FlagBase {
  readonly kind: "string";
  /** The texts that are allowed. @default {any} */
  readonly choices?: readonly string[];
  readonly default?: string;
  /** Refuse the command when the flag is absent. @default {false} */
  readonly required?: true;
  readonly check?: z.ZodType;
}

/** A flag with a finite number. */
export interface NumberFlag extends FlagBase {
  readonly kind: "number";
  readonly default?: number;
  /** Refuse the command when the flag is absent. @default {false} */
  readonly required?: true;
  readonly check?: z.ZodType;
}

/** A flag without a value: true when given. */
export interface BooleanFlag extends FlagBase {
  readonly kind: "boolean";
}

/** A flag that may be given several times, or once with commas: `--layers 3,5 --layers 7`. */
export interface ListFlag extends FlagBase {
  readonly kind: "list";
  readonly default?: readonly string[];
  readonly check?: z.ZodType;
}

/** How a flag is declared. */
export type Flag = StringFlag | NumberFlag | BooleanFlag | ListFlag;

/** The flags of a command by name. */
export type Flags = Readonly<Record<string, Flag>>;

type ValueOf<F extends Flag> = F extends BooleanFlag ? boolean
  : F extends ListFlag ? readonly string[]
  : F extends NumberFlag ? number
  : F extends { readonly choices: readonly (infer Choice)[] } ? Choice
  : string;

/** A boolean and a list always have a value; the others when a default or `required` gives them one. */
type Present<F extends Flag> = F extends BooleanFlag | ListFlag ? true
  : F extends { readonly default: string | number } | { readonly required: true } ? true
  : false;

/** The value of each flag. */
export type FlagValues<S extends Flags> = {
  readonly [K in keyof S]: Present<S[K]> extends true ? ValueOf<S[K]> : ValueOf<S[K]> | undefined;
};

function unknownFlag(name: string, flags: Flags): InputError {
  const meant = suggestion(name, [...Object.keys(flags), "help"]);
  const repair = meant === undefined ? "--help lists the flags" : `did you mean --${meant}?`;
  return new InputError(`unknown flag ${name.length === 1 ? "-" : "--"}${name}`, { repair });
}

function toNumber(name: string, text: string): number {
  const value = text.trim() === "" ? NaN : Number(text);
  if (!Number.isFinite(value)) {
    throw new InputError(`--${name} must be a number: got "${text}"`, { repair: `write --${name}=1` });
  }
  return value;
}

function checkValue(name: string, rule: { readonly flag: Flag; readonly value: unknown }): void {
  const { flag, value } = rule;
  if (flag.kind === "string" && flag.choices !== undefined && !flag.choices.includes(String(value))) {
    throw new InputError(
      `--${name} must be ${flag.choices.join(" or ")}: got "${value}"`,
      didYouMean(String(value), flag.choices),
    );
  }
  if (flag.kind === "boolean" || flag.check === undefined) return;
  const result = flag.check.safeParse(value);
  if (result.success) return;
  const shown = Array.isArray(value) ? value.join(",") : String(value);
  const issue = result.error.issues[0]?.message ?? "not allowed";
  throw new InputError(`cannot use --${name} ${shown}: ${issue}`, { repair: flag.help });
}

function valueOf(name: string, given: { readonly flag: Flag; readonly texts: readonly string[] }): unknown {
  const { flag, texts } = given;
  if (flag.kind === "boolean") return texts.length > 0;
  if (texts.some((text) => text === "")) {
    throw new InputError(`--${name} needs a value`, {
      repair: `write --${name}=VALUE if it begins with "-"`,
    });
  }
  if (flag.kind === "list") {
    const parts = texts.flatMap((text) => text.split(",").map((part) => part.trim()));
    if (parts.includes("")) throw new InputError(`--${name} has an empty element: got "${texts.join(" ")}"`);
    return texts.length === 0 ? flag.default ?? [] : parts;
  }
  if (texts.length > 1) {
    throw new InputError(`--${name} is given ${texts.length} times`, { repair: "give it once" });
  }
  const text = texts[0];
  if (text === undefined) {
    if (flag.default === undefined && flag.required) {
      throw new InputError(`--${name} is missing`, { repair: flag.help });
    }
    return flag.default;
  }
  return flag.kind === "number" ? toNumber(name, text) : text;
}

/** Joins a flag and the negative number behind it: `--by -0.5` is `--by=-0.5`, for no flag begins with a digit. */
function joinNegative(args: readonly string[], takesValue: (name: string) => boolean): string[] {
  const joined: string[] = [], end = args.indexOf("--");
  for (const [place, arg] of args.entries()) {
    const before = args[place - 1] ?? "", name = /^--([^=]+)$/.exec(before)?.[1];
    const own = (end < 0 || place < end) && name !== undefined && takesValue(name);
    if (own && /^-\.?\d/.test(arg)) joined[joined.length - 1] = `${before}=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

/**
 * Reads arguments into typed flags and free arguments. Throws InputError on a flag that is unknown, repeated,
 * without its value, or whose value is not allowed.
 */
export function parseFlags<const S extends Flags>(
  args: readonly string[],
  flags: S,
): { readonly help: boolean; readonly flags: FlagValues<S>; readonly positionals: readonly string[] } {
  const names = Object.keys(flags);
  const isBoolean = (name: string): boolean => name === "help" || flags[name]?.kind === "boolean";
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  for (const arg of own) {
    const name = /^--([^=]+)=/.exec(arg)?.[1];
    if (name !== undefined && isBoolean(name)) throw new InputError(`--${name} takes no value: got "${arg}"`);
  }
  const takesValue = (name: string): boolean => names.includes(name) && !isBoolean(name);
  const parsed = parseArgs(joinNegative(args, takesValue), {
    string: ["_", ...names.filter((name) => !isBoolean(name))],
    boolean: ["help", ...names.filter(isBoolean)],
    collect: names.filter((name) => !isBoolean(name)),
    alias: { help: "h" },
    unknown(_arg, key) {
      if (key !== undefined) throw unknownFlag(key, flags);
    },
  });
  const positionals = parsed._.map(String);
  if (parsed["help"] === true) return { help: true, flags: {} as FlagValues<S>, positionals };
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const raw: unknown = parsed[name];
    const texts = Array.isArray(raw) ? raw.map(String) : raw === true ? ["true"] : [];
    values[name] = valueOf(name, { flag, texts });
    if (values[name] !== undefined) checkValue(name, { flag, value: values[name] });
  }
  return { help: false, flags: values as FlagValues<S>, positionals };
}
