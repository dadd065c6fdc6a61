/**
 * Prints the sizes that benchmarks of a model have, as JSON, for a peer that does the same work.
 *
 * @module
 */
import { benchSetting } from "./_setting.ts";

const { sizes } = await benchSetting();
console.log(JSON.stringify(sizes));
