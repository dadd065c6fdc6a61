import { assert, assertEquals } from "@std/assert";

const FOLDER = new URL("../../examples/", import.meta.url);

/** Runs an example in this process and gives the lines that it printed. */
async function linesOf(name: string): Promise<string[]> {
  const lines: string[] = [], print = console.log;
  console.log = (...words: unknown[]) => void lines.push(words.join(" "));
  try {
    await import(new URL(name, FOLDER).href);
  } finally {
    console.log = print;
  }
  return lines;
}

/** Each example by what a reader should see in it. */
const EXAMPLES: Readonly<Record<string, (lines: readonly string[]) => void>> = {
  "tap_a_layer.ts"(lines) {
    assertEquals(lines.length, 9);
    const norms = lines.slice(1).map((line) => Number(/norm ([\d.]+)/.exec(line)?.[1]));
    assert(
      norms.every((norm, layer) => layer === 0 || norm > (norms[layer - 1] as number)),
      lines.join("\n"),
    );
    assert(lines[8]?.startsWith("blocks.7.resid_post: norm "), lines[8]);
  },
  "steer_a_model.ts"(lines) {
    const [plain, steered] = [...lines.at(-1)?.matchAll(/(\d+) %/g) ?? []].map((match) => Number(match[1]));
    // 66 % and 78 % of the same 32 problems on the same random numbers.
    assert((steered as number) > (plain as number), lines.at(-1));
    assertEquals(lines.length, 4);
  },
  "patch_a_head.ts"(lines) {
    const [high, low] = [...lines[0]?.matchAll(/-?\d+\.\d+/g) ?? []].map(Number);
    assert((high as number) > 5 && (low as number) < -5, lines[0]);
    const shares = lines.slice(2).map((line) => Number(/(\d+) %$/.exec(line)?.[1]));
    assertEquals(shares.length, 3);
    assert(shares[0]! > 20 && shares[0]! >= shares[1]! && shares[1]! >= shares[2]!, lines.join("\n"));
  },
  "train_a_vector.ts"(lines) {
    const norms = lines.slice(0, -1).map((line) => Number(/norm ([\d.]+)/.exec(line)?.[1]));
    assertEquals(norms.length, 3);
    assert(norms.every((norm, step) => norm > (norms[step - 1] ?? 0)), lines.join("\n"));
    assert(lines.at(-1)?.startsWith("a vector of 128 numbers, "), lines.at(-1));
  },
  "read_a_vector.ts"(lines) {
    assertEquals(
      lines.map((line) => line.slice(0, 8)),
      Array.from({ length: 8 }, (_, layer) => `layer ${layer},`),
    );
    assert(lines.every((line) => (line.match(/"(?:[^"\\]|\\.)*"/g) ?? []).length === 5), lines.join("\n"));
  },
};

Deno.test("every example is run, and imports the public module alone", () => {
  const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort();
  assertEquals(names, Object.keys(EXAMPLES).sort());
  for (const name of names) {
    const text = Deno.readTextFileSync(new URL(name, FOLDER));
    assertEquals([...text.matchAll(/\bfrom "([^"]+)"/g)].map((match) => match[1]), ["../mod.ts"], name);
    assertEquals(/\bimport\(/.test(text), false, name);
  }
});

for (const [name, check] of Object.entries(EXAMPLES)) {
  Deno.test(`examples/${name} runs and shows what it says`, async () => check(await linesOf(name)));
}
