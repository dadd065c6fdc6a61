import { assertEquals, assertStringIncludes } from "@std/assert";
import { cluster } from "../../tasks/cluster.ts";
import { visibleGpus } from "../../tasks/cluster/local_engine.ts";
import { readHeader, slurmScript } from "../../tasks/cluster/slurm.ts";
import { afterExit, exitText } from "../../tasks/cluster/task_exit.ts";
import { faultLine, inFolder, runOn } from "./_tiny_zoo.ts";

Deno.test("afterExit() tries again what was killed, goes on with what was stopped, and nothing else", () => {
  const codes = [0, 1, 2, 70, 130, 134, 137, 139, 140, 143, 126].map((code) => afterExit(code));
  assertEquals(codes, [
    ...["done", "failed", "failed", "failed", "goes on"],
    ...["retry", "retry", "retry", "goes on", "goes on", "failed"],
  ]);
  assertEquals([exitText(2), exitText(99)], ["exit code 2, bad input", "exit code 99"]);
});

Deno.test("visibleGpus() are those that CUDA_VISIBLE_DEVICES names, each for one process", () => {
  assertEquals(visibleGpus(undefined), ["0"]);
  assertEquals(visibleGpus("2, 5"), ["2", "5"]);
  assertEquals(visibleGpus("GPU-8f1c,MIG-3"), ["GPU-8f1c", "MIG-3"]);
  assertEquals([visibleGpus(""), visibleGpus("-1")], [[], []]);
});

Deno.test("readHeader() tells options from lines that set a node up", () => {
  const text = "#!/bin/bash\n#SBATCH --partition=gpu\n\n# modules\nmodule load cuda\n#SBATCH --gres=gpu:1\n";
  assertEquals(readHeader(text), {
    options: ["--partition=gpu", "--gres=gpu:1"],
    setUp: ["# modules", "module load cuda"],
  });
});

Deno.test("slurmScript() quotes what a shell would take apart, and never speaks of USR1", () => {
  const script = slurmScript({
    ...{ name: "n", folder: "/a b", plan: "plan-1", first: 7, count: 3, concurrent: 2, warnSeconds: 90 },
    ...{ options: ["--partition=gpu"], setUp: ["module load x"], root: "/r", command: ["/bin/it's", "run"] },
  });
  assertStringIncludes(script, "\n#SBATCH --array=0-2%2\n");
  assertStringIncludes(script, "\n#SBATCH --signal=B:USR2@90\n#SBATCH --partition=gpu\n");
  assertStringIncludes(script, "\nfolder='/a b'\n");
  assertStringIncludes(script, "\nindex=$((SLURM_ARRAY_TASK_ID + 7))\n");
  assertStringIncludes(script, "'/bin/it'\\''s' run --plan");
  assertEquals(script.includes("USR1"), false);
});

Deno.test("cluster names what it knows, and says where nothing was submitted", () =>
  inFolder(async (folder) => {
    assertStringIncludes(faultLine(await runOn(cluster, ["submitt"])), 'unknown action "submitt"');
    assertStringIncludes(
      faultLine(await runOn(cluster, ["status", "--run", folder])),
      "nothing was submitted",
    );
    assertStringIncludes(faultLine(await runOn(cluster, [])), "ACTION [ID] is missing");
  }));
