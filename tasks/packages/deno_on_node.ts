/**
 * What the library uses of Deno, on Node and Bun: goes into the npm package, where every module that reads a file
 * imports it. It imports nothing else. The shim published for this tells only some faults apart: there, `realPath`,
 * `rename` and `remove` of a missing path are no `NotFound`.
 *
 * @module
 */
import * as fs from "node:fs";
import { freemem } from "node:os";
import process from "node:process";

/** A kind of fault, which has its own name. */
function kind(name: string): new (message: string, options?: ErrorOptions) => Error {
  return class extends Error {
    override name = name;
  };
}

const errors = {
  NotFound: kind("NotFound"),
  AlreadyExists: kind("AlreadyExists"),
  PermissionDenied: kind("PermissionDenied"),
  FilesystemLoop: kind("FilesystemLoop"),
  NotADirectory: kind("NotADirectory"),
  BadResource: kind("BadResource"),
  NotCapable: kind("NotCapable"),
} as const;

const KINDS: Readonly<Record<string, keyof typeof errors>> = {
  ENOENT: "NotFound",
  EEXIST: "AlreadyExists",
  EACCES: "PermissionDenied",
  EPERM: "PermissionDenied",
  ELOOP: "FilesystemLoop",
  ENOTDIR: "NotADirectory",
  EBADF: "BadResource",
};

/** A fault of Node as one of Deno. */
function told(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const name = KINDS[(error as NodeJS.ErrnoException).code ?? ""];
  return name === undefined ? error : new errors[name](error.message, { cause: error });
}

/** A function whose faults are Deno's. */
function tells<A extends readonly unknown[], R>(work: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    try {
      const result = work(...args);
      return result instanceof Promise ? result.catch((error) => Promise.reject(told(error))) as R : result;
    } catch (error) {
      throw told(error);
    }
  };
}

class FsFile {
  readonly #file: number;
  #at = 0;

  constructor(file: number) {
    this.#file = file;
  }

  readSync = tells((into: Uint8Array): number | null => {
    const count = fs.readSync(this.#file, into, 0, into.length, this.#at);
    this.#at += count;
    return count === 0 && into.length > 0 ? null : count;
  });

  seekSync(offset: number): number {
    return this.#at = offset;
  }

  writeSync = tells((bytes: Uint8Array): number => {
    const count = fs.writeSync(this.#file, bytes, 0, bytes.length, this.#at);
    this.#at += count;
    return count;
  });

  read = (into: Uint8Array): Promise<number | null> => Promise.resolve().then(() => this.readSync(into));
  write = (bytes: Uint8Array): Promise<number> => Promise.resolve().then(() => this.writeSync(bytes));
  seek = (offset: number): Promise<number> => Promise.resolve(this.seekSync(offset));
  syncData = (): Promise<void> => Promise.resolve().then(tells(() => fs.fdatasyncSync(this.#file)));
  close = tells((): void => fs.closeSync(this.#file));

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What a file is, under Deno's names. */
function described(stats: fs.Stats) {
  const { size, mtime, dev, ino } = stats;
  return {
    size,
    mtime,
    dev,
    ino,
    isFile: stats.isFile(),
    isDirectory: stats.isDirectory(),
    isSymlink: stats.isSymbolicLink(),
  };
}

const granted = { state: "granted" } as const;

/** The part of Deno's namespace that the library uses. */
export const Deno = {
  errors,
  SeekMode: { Start: 0 },
  pid: process.pid,
  build: { os: process.platform === "win32" ? "windows" : process.platform, arch: process.arch },
  env: {
    get: (name: string): string | undefined => process.env[name],
    set: (name: string, value: string): void => void (process.env[name] = value),
  },
  permissions: { querySync: () => granted },
  systemMemoryInfo: () => ({ available: freemem() }),
  dlopen(): never {
    throw new Error("libraries are not opened here");
  },
  open: (path: string, options: { readonly write?: boolean; readonly createNew?: boolean }) =>
    Promise.resolve().then(tells(() => {
      const flags = options.createNew === true ? "wx" : options.write === true ? "r+" : "r";
      return new FsFile(fs.openSync(path, flags));
    })),
  stat: tells((path: string | URL) => fs.promises.stat(path).then(described)),
  statSync: tells((path: string | URL) => described(fs.statSync(path))),
  lstat: tells((path: string) => fs.promises.lstat(path).then(described)),
  realPath: tells((path: string) => fs.promises.realpath(path)),
  readFile: tells((path: string | URL) => fs.promises.readFile(path).then((bytes) => new Uint8Array(bytes))),
  readTextFile: tells((path: string | URL) => fs.promises.readFile(path, "utf8")),
  async *readDir(path: string) {
    for (
      const entry of await tells((path: string) => fs.promises.readdir(path, { withFileTypes: true }))(path)
    ) {
      yield {
        name: entry.name,
        isFile: entry.isFile(),
        isDirectory: entry.isDirectory(),
        isSymlink: entry.isSymbolicLink(),
      };
    }
  },
  mkdir: tells(async (path: string, options?: { readonly recursive?: boolean }) => {
    await fs.promises.mkdir(path, { recursive: options?.recursive ?? false });
  }),
  rename: tells((from: string, to: string) => fs.promises.rename(from, to)),
  symlink: tells((target: string, path: string) => fs.promises.symlink(target, path)),
  remove: tells(async (path: string, options?: { readonly recursive?: boolean }) => {
    const isFolder = (await fs.promises.lstat(path)).isDirectory();
    if (options?.recursive === true) await fs.promises.rm(path, { recursive: true });
    else await (isFolder ? fs.promises.rmdir(path) : fs.promises.unlink(path));
  }),
};
