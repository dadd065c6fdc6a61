import { bound, countArgument, optionalCount, REQUIRED, textArgument } from "./_arguments.ts";
import { TemplateFault } from "./_faults.ts";
import { braceFormatted, mappingArguments } from "./_formatting.ts";
import {
  capitalized,
  hasCase,
  lengthOf,
  LETTER_TESTS,
  lettersOf,
  linesOf,
  SPACE,
  stripped,
  swapped,
  titled,
  unitIndex,
} from "./_letters.ts";
import { padded } from "./_number_format.ts";
import type { MethodCall, Methods, Tools } from "./_tools.ts";
import { type CallArguments, List, Tuple, typeName, type Value } from "./_values.ts";

/** No arguments, or a fault. */
function none({ args }: MethodCall<string>, name: string): void {
  bound(args, `${name}()`, {});
}

/** A part of a text by Python's start and end, in units of JavaScript; null where the start lies behind the end. */
function windowOf(
  text: string,
  limits: { readonly start: Value; readonly end: Value },
): { readonly from: number; readonly to: number; readonly letters: number } | null {
  const length = lengthOf(text);
  const place = (value: Value, absent: number): number => {
    const index = optionalCount(value, { what: "slice indices", absent });
    return index < 0 ? Math.max(index + length, 0) : index;
  };
  const start = place(limits.start, 0), end = Math.min(place(limits.end, length), length);
  if (start > end) return null;
  return { from: unitIndex(text, start), to: unitIndex(text, end), letters: start };
}

interface Search {
  readonly part: string;
  /** The text up to the end of the window. */
  readonly within: string;
  readonly window: { readonly from: number; readonly letters: number } | null;
}

function searchOf({ self, args, tools }: MethodCall<string>, name: string): Search {
  const { sub, start, end } = bound(args, `${name}()`, { sub: REQUIRED, start: null, end: null });
  const part = textArgument(sub, `${name}() argument 1`), window = windowOf(self, { start, end });
  tools.work.letters(self.length + part.length);
  return { part, within: window === null ? "" : self.slice(0, window.to), window };
}

function found(call: MethodCall<string>, options: { readonly name: string; readonly last: boolean }): number {
  const { part, within, window } = searchOf(call, options.name);
  if (window === null) return -1;
  const at = options.last ? within.lastIndexOf(part) : within.indexOf(part, window.from);
  return at < window.from ? -1 : lengthOf(call.self.slice(0, at));
}

function indexed(
  call: MethodCall<string>,
  options: { readonly name: string; readonly last: boolean },
): Value {
  const place = found(call, options);
  if (place < 0) throw new TemplateFault("substring not found");
  return BigInt(place);
}

/** How often a part stands in a text, without overlaps, up to `most`. */
function occurrences(
  text: string,
  options: { readonly part: string; readonly from?: number; readonly most?: number },
): number {
  const { part, from = 0, most = Infinity } = options;
  let count = 0;
  for (
    let at = text.indexOf(part, from);
    at >= 0 && count < most;
    at = text.indexOf(part, at + part.length)
  ) count++;
  return count;
}

function count(call: MethodCall<string>): Value {
  const { part, within, window } = searchOf(call, "count");
  if (window === null) return 0n;
  if (part === "") return BigInt(lengthOf(within.slice(window.from)) + 1);
  return BigInt(occurrences(within, { part, from: window.from }));
}

function bordered(
  call: MethodCall<string>,
  options: { readonly name: string; readonly border: "start" | "end" },
): boolean {
  const { name, border } = options;
  const { prefix, start, end } = bound(call.args, `${name}()`, { prefix: REQUIRED, start: null, end: null });
  const parts = prefix instanceof Tuple ? prefix.items : [prefix],
    window = windowOf(call.self, { start, end });
  return parts.some((value) => {
    const part = textArgument(value, `${name} first arg must be str or a tuple of str, and`);
    if (window === null) return false;
    const within = call.self.slice(window.from, window.to);
    call.tools.work.letters(part.length);
    return border === "start" ? within.startsWith(part) : within.endsWith(part);
  });
}

/** `text.replace(old, put, most)`, its length counted before it is made; `most` below 0 is all. */
export function replaced(
  text: string,
  options: { readonly old: string; readonly put: string; readonly most: number; readonly tools: Tools },
): string {
  const { old, put, tools } = options, most = options.most < 0 ? Infinity : options.most;
  tools.work.letters(text.length + old.length);
  if (old === "") {
    const letters = lettersOf(text), times = Math.min(most, letters.length + 1);
    tools.work.letters(text.length + put.length * times);
    return letters.map((letter, place) => place < times ? put + letter : letter).join("") +
      (times > letters.length ? put : "");
  }
  const times = occurrences(text, { part: old, most });
  if (times === 0) return text;
  tools.work.letters(text.length + (put.length - old.length) * times);
  const pieces = text.split(old);
  return most === Infinity
    ? pieces.join(put)
    : [pieces.slice(0, times + 1).join(put), ...pieces.slice(times + 1)].join(old);
}

/** Words between white space, or parts between separators, at most `most` cuts from one side. */
function splitText(
  text: string,
  options: { readonly separator: Value; readonly most: number; readonly side: "left" | "right" },
): string[] {
  const { separator, side } = options, most = options.most < 0 ? Infinity : options.most;
  if (separator === null) return splitWords(text, { most, side });
  const mark = textArgument(separator, "must be str or None, and separator");
  if (mark === "") throw new TemplateFault("empty separator");
  const parts = text.split(mark);
  if (parts.length - 1 <= most) return parts;
  return side === "left"
    ? [...parts.slice(0, most), parts.slice(most).join(mark)]
    : [parts.slice(0, parts.length - most).join(mark), ...parts.slice(parts.length - most)];
}

function splitWords(
  text: string,
  options: { readonly most: number; readonly side: "left" | "right" },
): string[] {
  const { most, side } = options;
  const words = [...text.matchAll(new RegExp(`[^${SPACE}]+`, "g"))];
  if (words.length <= most) return words.map(([word]) => word);
  if (side === "left") {
    const kept = words.slice(0, most).map(([word]) => word), rest = words[most];
    return rest === undefined ? kept : [...kept, text.slice(rest.index)];
  }
  const kept = words.slice(words.length - most).map(([word]) => word), rest = words[words.length - most - 1];
  return rest === undefined ? kept : [text.slice(0, rest.index + rest[0].length), ...kept];
}

function splitting(call: MethodCall<string>, side: "left" | "right"): Value {
  const { sep, maxsplit } = bound(call.args, "split()", { sep: null, maxsplit: -1n });
  call.tools.work.letters(call.self.length);
  const parts = splitText(call.self, { separator: sep, most: countArgument(maxsplit, "maxsplit"), side });
  call.tools.work.elements(parts.length * 4);
  return new List(parts);
}

function partitioned(call: MethodCall<string>, side: "left" | "right"): Value {
  const { sep } = bound(call.args, "partition()", { sep: REQUIRED });
  const mark = textArgument(sep, "partition() argument"), { self } = call;
  if (mark === "") throw new TemplateFault("empty separator");
  call.tools.work.letters(self.length + mark.length);
  const at = side === "left" ? self.indexOf(mark) : self.lastIndexOf(mark);
  if (at < 0) return new Tuple(side === "left" ? [self, "", ""] : ["", "", self]);
  return new Tuple([self.slice(0, at), mark, self.slice(at + mark.length)]);
}

function stripping(call: MethodCall<string>, side: "left" | "right" | "both"): Value {
  const { chars } = bound(call.args, "strip()", { chars: null });
  const letters = chars === null ? null : textArgument(chars, "strip arg must be None or str, and it");
  call.tools.work.letters(call.self.length + (letters?.length ?? 0));
  return stripped(call.self, { side, letters });
}

function justified(call: MethodCall<string>, align: "<" | ">" | "^"): Value {
  const { width, fillchar } = bound(call.args, "center()", { width: REQUIRED, fillchar: " " });
  const fill = textArgument(fillchar, "The fill character"), wide = countArgument(width, "width");
  if (lengthOf(fill) !== 1) throw new TemplateFault("The fill character must be exactly one character long");
  return centred(call.self, { width: wide, fill, align, tools: call.tools });
}

/** A text in a field of a width; in the middle, an odd letter goes where Python puts it. */
export function centred(
  text: string,
  options: {
    readonly width: number;
    readonly fill?: string;
    readonly align?: "<" | ">" | "^";
    readonly tools: Tools;
  },
): string {
  const { width, fill = " ", align = "^", tools } = options, missing = Math.max(width - lengthOf(text), 0);
  tools.work.letters(text.length + missing);
  if (align !== "^") return padded(text, { fill, align, width });
  const left = (missing >> 1) + (missing & width & 1);
  return fill.repeat(left) + text + fill.repeat(missing - left);
}

function filled(call: MethodCall<string>): Value {
  const { width } = bound(call.args, "zfill()", { width: REQUIRED });
  const missing = Math.max(countArgument(width, "width") - lengthOf(call.self), 0);
  call.tools.work.letters(call.self.length + missing);
  const sign = /^[+-]/.exec(call.self)?.[0] ?? "";
  return sign + "0".repeat(missing) + call.self.slice(sign.length);
}

function expanded(call: MethodCall<string>): Value {
  const { tabsize } = bound(call.args, "expandtabs()", { tabsize: 8n });
  const size = Math.max(countArgument(tabsize, "tabsize"), 0);
  let column = 0;
  const out: string[] = [];
  for (const letter of call.self) {
    const spaces = letter === "\t" && size > 0 ? size - column % size : 0;
    call.tools.work.letters(spaces + 1);
    out.push(letter === "\t" ? " ".repeat(spaces) : letter);
    column = letter === "\n" || letter === "\r" ? 0 : letter === "\t" ? column + spaces : column + 1;
  }
  return out.join("");
}

function joined({ self, args, tools }: MethodCall<string>): Value {
  const { iterable } = bound(args, "join()", { iterable: REQUIRED });
  const parts = tools.comparer.list(iterable).map((part, place) => {
    if (typeof part === "string") return part;
    throw new TemplateFault(`sequence item ${place}: expected str instance, ${typeName(part)} found`);
  });
  return joinedTexts(parts, { mark: self, tools });
}

/** Texts with a mark between them, their length counted before they are put together. */
export function joinedTexts(
  parts: readonly string[],
  options: { readonly mark: string; readonly tools: Tools },
): string {
  const { mark, tools } = options;
  tools.work.letters(
    parts.reduce((sum, part) => sum + part.length, 0) + mark.length * Math.max(parts.length - 1, 0),
  );
  return parts.join(mark);
}

function isTitle(text: string): boolean {
  let inWord = false, any = false;
  for (const letter of text) {
    const capital = /[\p{Uppercase}\p{Lt}]/u.test(letter), small = /\p{Lowercase}/u.test(letter);
    if ((capital && inWord) || (small && !inWord)) return false;
    inWord = capital || small;
    any ||= inWord;
  }
  return any;
}

function affixed(call: MethodCall<string>, border: "start" | "end"): Value {
  const { affix } = bound(call.args, "removeprefix()", { affix: REQUIRED });
  const part = textArgument(affix, "removeprefix() argument"), { self } = call;
  if (part === "") return self;
  if (border === "start") return self.startsWith(part) ? self.slice(part.length) : self;
  return self.endsWith(part) ? self.slice(0, -part.length) : self;
}

/** A method that makes a text as long as its own, or two or three times that. */
function changed(name: string, make: (text: string) => string): (call: MethodCall<string>) => Value {
  return (call) => {
    none(call, name);
    call.tools.work.letters(call.self.length);
    return make(call.self);
  };
}

/** A question about a text. */
function asked(name: string, holds: (text: string) => boolean): (call: MethodCall<string>) => Value {
  return (call) => {
    none(call, name);
    call.tools.work.letters(call.self.length);
    return holds(call.self);
  };
}

function every(name: string): (call: MethodCall<string>) => Value {
  return asked(name, (text) => {
    if (name === "isnumeric" && /\p{Script=Han}/u.test(text)) {
      throw new TemplateFault("isnumeric() of Chinese characters is not supported");
    }
    return text !== "" && lettersOf(text).every(LETTER_TESTS[name] as (letter: string) => boolean);
  });
}

function unsupported(name: string): () => never {
  return () => {
    throw new TemplateFault(`str.${name}() is not supported`);
  };
}

/** The methods of Python's `str`. */
export const TEXT_METHODS: Methods<string> = {
  ...Object.fromEntries(Object.keys(LETTER_TESTS).map((name) => [name, every(name)])),
  capitalize: changed("capitalize", capitalized),
  casefold: changed("casefold", (text) => {
    if (/\P{ASCII}/u.test(text)) throw new TemplateFault("str.casefold() is supported for ASCII alone");
    return text.toLowerCase();
  }),
  center: (call) => justified(call, "^"),
  count,
  encode: unsupported("encode"),
  endswith: (call) => bordered(call, { name: "endswith", border: "end" }),
  expandtabs: expanded,
  find: (call) => BigInt(found(call, { name: "find", last: false })),
  format: ({ self, args, tools }) => braceFormatted(self, args, tools),
  format_map({ self, args, tools }) {
    const { mapping } = bound(args, "format_map()", { mapping: REQUIRED });
    return braceFormatted(self, mappingArguments(mapping), tools);
  },
  index: (call) => indexed(call, { name: "index", last: false }),
  isascii: asked("isascii", (text) => !/\P{ASCII}/u.test(text)),
  isidentifier: asked("isidentifier", (text) => /^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(text)),
  islower: asked("islower", (text) => hasCase(text, "lower")),
  isprintable: asked(
    "isprintable",
    (text) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Zs}]/u.test(text.replaceAll(" ", "")),
  ),
  istitle: asked("istitle", isTitle),
  isupper: asked("isupper", (text) => hasCase(text, "upper")),
  join: joined,
  ljust: (call) => justified(call, "<"),
  lower: changed("lower", (text) => text.toLowerCase()),
  lstrip: (call) => stripping(call, "left"),
  maketrans: unsupported("maketrans"),
  partition: (call) => partitioned(call, "left"),
  removeprefix: (call) => affixed(call, "start"),
  removesuffix: (call) => affixed(call, "end"),
  replace({ self, args, tools }) {
    const { old, new: put, count: most } = bound(args as CallArguments, "replace()", {
      old: REQUIRED,
      new: REQUIRED,
      count: -1n,
    });
    return replaced(self, {
      old: textArgument(old, "replace() argument 1"),
      put: textArgument(put, "replace() argument 2"),
      most: countArgument(most, "count"),
      tools,
    });
  },
  rfind: (call) => BigInt(found(call, { name: "rfind", last: true })),
  rindex: (call) => indexed(call, { name: "rindex", last: true }),
  rjust: (call) => justified(call, ">"),
  rpartition: (call) => partitioned(call, "right"),
  rsplit: (call) => splitting(call, "right"),
  rstrip: (call) => stripping(call, "right"),
  split: (call) => splitting(call, "left"),
  splitlines({ self, args, tools }) {
    const { keepends } = bound(args, "splitlines()", { keepends: false });
    tools.work.letters(self.length);
    const lines = linesOf(self, { keepEnds: countArgument(keepends, "keepends") !== 0 });
    tools.work.elements(lines.length * 4);
    return new List(lines);
  },
  startswith: (call) => bordered(call, { name: "startswith", border: "start" }),
  strip: (call) => stripping(call, "both"),
  swapcase: changed("swapcase", swapped),
  title: changed("title", titled),
  translate: unsupported("translate"),
  upper: changed("upper", (text) => text.toUpperCase()),
  zfill: filled,
};
