import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { canonicalJson, InputError, sha256 } from "../core/mod.ts";

/** Which code makes a result: part of the result's key in a store. */
export interface CodeFingerprint {
  /** Where the code starts, as paths below the package; what these import belongs to it. */
  readonly modules: readonly string[];
  /** SHA-256 of every source of it, and of the versions of the packages. */
  readonly hash: string;
}

/** A source that was read. */
interface Source {
  readonly hash: string;
  /** Modules that it imports, types included, and workers that it starts: whole addresses. */
  readonly imports: readonly string[];
  readonly bytes: number;
  readonly changedMs: number;
}

const VERSION = /\d+\.\d+\.\d+/;

/** What a source imports, as it is written there: everything quoted that leads to a neighbour, outside doc comments. */
function neighboursIn(text: string): readonly string[] {
  const code = text.replaceAll(/^[ \t]*\/\*\*.*?\*\//gms, "");
  return [...code.matchAll(/(["'`])(\.{1,2}\/[^"'`\s]+)\1/g)].map((match) => match[2] as string);
}

/**
 * The sources of this package, followed from module to module by what each imports: a module's fingerprint changes when
 * any source that it runs does, and with the versions of npm packages. Nobody lists what takes part, so nobody can
 * forget a part. Each source is read once; reading needs the permission to read the package's folder.
 */
export class SourceTree {
  readonly #root: URL;
  readonly #sources = new Map<string, Source>();
  readonly #known = new Map<string, CodeFingerprint>();
  readonly #isFile = new Map<string, boolean>();
  #packages: unknown = null;

  /** Sources of the package in `root`, which holds deno.json. `@default` this package */
  constructor(root: URL = new URL("../../", import.meta.url)) {
    this.#root = root;
  }

  /**
   * The fingerprint of modules, given by their addresses (`import.meta.url`). A module that comes from the network is
   * identified by its address, which must hold a version.
   *
   * @throws InputError for a source that cannot be read or changed since this process started, and for an address
   * without a version.
   */
  fingerprint(modules: readonly string[]): CodeFingerprint {
    const key = canonicalJson(modules), known = this.#known.get(key);
    if (known !== undefined) return known;
    const sources = [...this.sources(modules)].map(([href, hash]) => [this.#pathOf(href), hash]);
    const fingerprint = {
      modules: modules.map((href) => this.#pathOf(href)),
      hash: sha256(canonicalJson({ sources: sources.sort(), packages: this.#packageVersions() })),
    };
    this.#known.set(key, fingerprint);
    return fingerprint;
  }

  /** Whether the code of a fingerprint is the code that is here, so that a program can still ask for what it made. */
  isCurrent({ modules, hash }: CodeFingerprint): boolean {
    const addresses = modules.map((path) => new URL(path, this.#root).href);
    const here = addresses.every((href) => !href.startsWith("file:") || this.#isSource(href));
    return here && this.fingerprint(addresses).hash === hash;
  }

  /** Every source that modules run, with its hash, by address. */
  sources(modules: readonly string[]): ReadonlyMap<string, string> {
    const found = new Map<string, string>(), waiting = [...modules];
    for (let href = waiting.pop(); href !== undefined; href = waiting.pop()) {
      if (found.has(href)) continue;
      const { hash, imports } = this.#source(href);
      found.set(href, hash);
      waiting.push(...imports);
    }
    return found;
  }

  /** The path of a source that is another one by now than the one that was read; null when all are the same. */
  changed(): string | null {
    for (const [href, { bytes, changedMs }] of this.#sources) {
      if (!href.startsWith("file:")) continue;
      const now = statOf(new URL(href));
      if (now?.bytes !== bytes || now.changedMs !== changedMs) return fileURLToPath(href);
    }
    return null;
  }

  #source(href: string): Source {
    const known = this.#sources.get(href);
    if (known !== undefined) return known;
    const source = href.startsWith("file:") ? this.#read(new URL(href)) : remoteSource(href);
    this.#sources.set(href, source);
    return source;
  }

  #read(url: URL): Source {
    const stat = statOf(url);
    let content: Uint8Array;
    try {
      content = Deno.readFileSync(url);
    } catch (error) {
      throw unreadable(url, error);
    }
    // Modules were loaded before this one ran: a younger file may hold other code than the process runs.
    if (stat === null || stat.changedMs > performance.timeOrigin) {
      throw sourceChanged(fileURLToPath(url), "start again; touch the file if its date lies in the future");
    }
    const imports = neighboursIn(new TextDecoder().decode(content)).map((name) => new URL(name, url).href);
    return { ...stat, hash: sha256(content), imports: imports.filter((href) => this.#isSource(href)) };
  }

  /** Whether a file is there: what is quoted like a neighbour need not be one. */
  #isSource(href: string): boolean {
    const known = this.#isFile.get(href) ?? statOf(new URL(href)) !== null;
    this.#isFile.set(href, known);
    return known;
  }

  #pathOf(href: string): string {
    if (!href.startsWith("file:") || this.#root.protocol !== "file:") return href;
    return relative(fileURLToPath(this.#root), fileURLToPath(href)).replaceAll("\\", "/");
  }

  /** Versions of all npm packages, those that packages ask for included where the lock file is there. */
  #packageVersions(): unknown {
    if (this.#root.protocol !== "file:") return null; // the version of this package pins them
    this.#packages ??= {
      imports: readObject(new URL("deno.json", this.#root))["imports"] ?? null,
      npm: readObject(new URL("deno.lock", this.#root))["npm"] ?? null,
    };
    return this.#packages;
  }
}

function unreadable(url: URL, cause: unknown): InputError {
  return new InputError("cannot read the code that measures, whose hash is part of what is kept", {
    where: fileURLToPath(url),
    repair: "allow the program to read its own folder: --allow-read",
    cause,
  });
}

function statOf(url: URL): { readonly bytes: number; readonly changedMs: number } | null {
  try {
    const { size, mtime, isFile } = Deno.statSync(url);
    return isFile ? { bytes: size, changedMs: mtime?.getTime() ?? 0 } : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw unreadable(url, error);
  }
}

/** A source from the network; its own imports have the same version. */
function remoteSource(href: string): Source {
  if (!VERSION.test(href)) {
    throw new InputError("cannot keep what is measured, as the code's address names no version", {
      where: href,
      repair: "import a version",
    });
  }
  return { hash: sha256(href), imports: [], bytes: 0, changedMs: 0 };
}

/** The object of a JSON file of ours; an empty one where there is none. */
function readObject(url: URL): Readonly<Record<string, unknown>> {
  if (statOf(url) === null) return {};
  try {
    return JSON.parse(Deno.readTextFileSync(url));
  } catch (error) {
    throw unreadable(url, error);
  }
}

/** The fault of a run whose sources were edited meanwhile. */
export function sourceChanged(
  path: string,
  repair = "start again; what was measured before is kept",
): InputError {
  return new InputError("the code changed while it ran, so that nobody could say what made its results", {
    where: path,
    repair,
  });
}
