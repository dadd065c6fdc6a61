/** A card as its driver describes it. */
export interface Card {
  readonly name: string;
  readonly driver: string;
  readonly memoryMiB: number;
}

/** Asks the driver's own program; null where there is none, or no card. */
async function ask(query: string): Promise<readonly string[] | null> {
  try {
    const { success, stdout } = await new Deno.Command("nvidia-smi", {
      args: [`--query-gpu=${query}`, "--format=csv,noheader,nounits"],
      clearEnv: true,
      stderr: "null",
    }).output();
    const line = new TextDecoder().decode(stdout).split("\n")[0]?.trim() ?? "";
    return success && line !== "" ? line.split(",").map((field) => field.trim()) : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The first card of this machine. */
export async function firstCard(): Promise<Card | null> {
  const [name, driver, memory] = await ask("name,driver_version,memory.total") ?? [];
  if (name === undefined || driver === undefined) return null;
  return { name, driver, memoryMiB: Number(memory) };
}

/** Memory of the first card that is in use, in MiB: an arena keeps what it once needed. */
export async function usedMiB(): Promise<number | null> {
  const [used] = await ask("memory.used") ?? [];
  return used === undefined ? null : Number(used);
}
