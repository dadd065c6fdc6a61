/**
 * Writes the snapshots anew; look at what changed before you keep it:
 *
 *     deno run --no-prompt --allow-read --allow-write --allow-ffi tests/onnx/snapshots/write.ts
 *
 * @module
 */
import { formatGraph } from "../../../lib/onnx/mod.ts";
import { SNAPSHOT_GRAPHS } from "../_snapshot_graphs.ts";

for (const [name, build] of Object.entries(SNAPSHOT_GRAPHS)) {
  Deno.writeTextFileSync(new URL(`./${name}.txt`, import.meta.url), formatGraph(build()));
}
