import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { ensureFolder, writeFileAtomic } from "../lib/checkpoint/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import { defineCommand, main } from "./command/command.ts";
import { checkWritable } from "./command/output_place.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** What of deno.json the package is made of. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
}

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  verbatimModuleSyntax: true,
  strict: true,
  declaration: true,
  emitDeclarationOnly: true,
  allowImportingTsExtensions: true,
  types: [],
};

const isType = (file: string) => file.replace(/\.ts$/, ".d.ts"),
  isModule = (file: string) => file.replace(/\.ts$/, ".js");

/** Relative imports of a module, by files from the root, and the packages that it imports. */
function importsOf(
  file: string,
  text: string,
): { readonly files: readonly string[]; readonly packages: readonly string[] } {
  const names = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
  return {
    files: names.filter((name) => name.startsWith(".")).map((name) => join(dirname(file), name)),
    packages: names.filter((name) => !/^(\.|node:)/.test(name)).map((name) =>
      name.split("/").slice(0, name.startsWith("@") ? 2 : 1).join("/")
    ),
  };
}

/** Imports of .ts files as those of what they become. */
function renamed(text: string): string {
  return text.replace(/((?:from|import)\s*\(?\s*")(\.{1,2}\/[^"]+)\.ts(")/g, "$1$2.js$3");
}

/** A module as JavaScript, with Deno's namespace where it uses it. */
function javaScript(file: string, text: string): string {
  const options = {
    ...OPTIONS,
    declaration: false,
    emitDeclarationOnly: false,
    allowImportingTsExtensions: false,
  };
  const { outputText } = ts.transpileModule(text, { fileName: file, compilerOptions: options });
  const place = relative(dirname(file), "deno_on_node.js"),
    from = place.startsWith(".") ? place : `./${place}`;
  const uses = /\bDeno\b/.test(outputText.replace(/\/\*[\s\S]*?\*\//g, ""));
  return (uses ? `import { Deno } from "${from}";\n` : "") + renamed(outputText);
}

/** Declarations of modules by file, those of packages left to be resolved by who uses them. */
function declarations(files: readonly string[]): ReadonlyMap<string, string> {
  const made = new Map<string, string>();
  const program = ts.createProgram(files.map((file) => join(ROOT, file)), OPTIONS);
  program.emit(undefined, (path, text) => void made.set(relative(ROOT, path), renamed(text)));
  return made;
}

/** Builds the npm package. */
const buildNpm = defineCommand({
  name: "build:npm",
  summary: "Builds the npm package: modules, types and package.json, for Node 22 or later and Bun.",
  flags: {
    out: { kind: "string", default: "out/npm", metavar: "DIR", help: "Folder that gets the package" },
  },
  examples: [["deno task build:npm", "Then: npm pack ./out/npm"]],
  async run({ flags: { out }, print, signal }) {
    await checkWritable(out, { as: "folder" });
    const manifest = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json"))) as Manifest;
    const { name, version, license, exports, imports } = manifest;
    const waiting = Object.values(exports).map((file) => join(file)), packages = new Set<string>();
    const done = new Set<string>(waiting);
    const write = async (file: string, text: string) => {
      await ensureFolder(dirname(join(out, file)));
      await writeFileAtomic(join(out, file), text);
    };
    for (const file of waiting) {
      signal.throwIfAborted();
      const text = await Deno.readTextFile(join(ROOT, file)), found = importsOf(file, text);
      found.packages.forEach((one) => packages.add(one));
      found.files.filter((one) => !done.has(one)).forEach((one) => {
        done.add(one);
        waiting.push(one);
      });
      await write(isModule(file), javaScript(file, text));
    }
    for (const [file, text] of declarations(Object.values(exports))) await write(file, text);
    const shim = await Deno.readTextFile(join(ROOT, "tasks/packages/deno_on_node.ts"));
    await write(
      "deno_on_node.js",
      javaScript("deno_on_node.ts", shim).replace(/^import .* from "\.\/deno_on_node\.js";\n/, ""),
    );
    const entry = (file: string) => ({
      types: `./${isType(join(file))}`,
      default: `./${isModule(join(file))}`,
    });
    const dependencies = [...packages].sort().map((one) => {
      const pinned = (imports[one] ?? imports[`${one}/`])?.match(/^npm:.*@(\d[^@/]*)\/?$/)?.[1];
      if (pinned === undefined) {
        throw new InputError(`"${one}" is no package of deno.json`, { where: "deno.json" });
      }
      return [one, pinned];
    });
    const packageJson = {
      name,
      version,
      license,
      type: "module",
      engines: { node: ">=22" },
      exports: Object.fromEntries(Object.entries(exports).map(([path, file]) => [path, entry(file)])),
      dependencies: Object.fromEntries(dependencies),
    };
    await write("package.json", `${JSON.stringify(packageJson, null, 2)}\n`);
    for (const file of ["README.md", "LICENSE"]) await write(file, await Deno.readTextFile(join(ROOT, file)));
    print(`${done.size} modules in ${out}`);
  },
});

if (import.meta.main) await main(buildNpm);
