import { paperChecks, parseMetrics, readPaperItem } from "../../lib/report/mod.ts";

/** Numbers of the paper, an item a file. */
const PAPER = "fixtures/paper";

/** What a folder of results on the paper's own models says of the paper's numbers. */
export interface Regression {
  /** Items that were found. */
  readonly items: readonly string[];
  /** Numbers that were compared. */
  readonly compared: number;
  /** A line for each that lies apart. */
  readonly faults: readonly string[];
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
}

/**
 * Compares every item in a folder that `reproduce --profile paper` wrote with every attested number of the paper. Results
 * of another profile are a fault: they would be compared with numbers of other models.
 */
export async function paperRegression(folder: string): Promise<Regression> {
  const items: string[] = [], faults: string[] = [];
  let compared = 0;
  for await (const { name } of Deno.readDir(PAPER)) {
    const id = name.replace(/\.json$/, ""), path = `${folder}/${id}/metrics.json`, text = await textOf(path);
    if (text === null) continue;
    items.push(id);
    const { profile, values } = parseMetrics(text, path);
    if (profile !== "paper") {
      faults.push(`${id}: results of the profile ${profile}`);
      continue;
    }
    const paper = await readPaperItem(`${PAPER}/${name}`, { item: id });
    for (
      const { metric, value, expected, tolerance, verdict } of paperChecks(values, paper, { source: path })
    ) {
      if (verdict === "not-checked") continue;
      compared++;
      if (verdict === "fail") {
        faults.push(`${id} ${metric}: ${value} for ${expected} ± ${tolerance?.toPrecision(3)}`);
      }
    }
  }
  return { items: items.sort(), compared, faults: faults.sort() };
}
