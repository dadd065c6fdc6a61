import { withFolder } from "../checkpoint/_folder.ts";

/** The root of the repository. */
export const ROOT = new URL("../../", import.meta.url);

/** Older than any process: a source that is younger than the process may not be what it runs. */
const LONG_AGO = new Date("2000-01-01T00:00:00Z");

async function copyBelow(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyBelow(new URL(`${name}/`, from), `${to}/${name}`);
    else await writeOld(`${to}/${name}`, await Deno.readFile(new URL(name, from)));
  }
}

async function writeOld(path: string, content: Uint8Array): Promise<void> {
  await Deno.writeFile(path, content);
  await Deno.utime(path, LONG_AGO, LONG_AGO);
}

/** A copy of the package's code, to be changed. */
export interface PackageCopy {
  /** Where it is. */
  readonly root: URL;
  /** Replaces a text of one of its files, which must be there once. */
  readonly replace: (path: string, text: string, by: string) => Promise<void>;
}

/** Runs a body with a copy of lib and its configuration, which is removed afterwards. */
export async function withPackageCopy(body: (copy: PackageCopy) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await copyBelow(new URL("lib/", ROOT), `${folder}/lib`);
    for (const name of ["deno.json", "deno.lock"]) {
      await writeOld(`${folder}/${name}`, await Deno.readFile(new URL(name, ROOT)));
    }
    await body({
      root: new URL(`file://${folder}/`),
      async replace(path, text, by) {
        const whole = await Deno.readTextFile(`${folder}/${path}`), parts = whole.split(text);
        if (parts.length !== 2) throw new Error(`${path} has ${parts.length - 1} times ${text}`);
        await writeOld(`${folder}/${path}`, new TextEncoder().encode(parts.join(by)));
      },
    });
  });
}
