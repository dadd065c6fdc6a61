/**
 * Every table and figure that can be reproduced.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { claimsItem } from "./claims.ts";
import { controlRandom } from "./control_random.ts";
import { controlShuffled } from "./control_shuffled.ts";
import { fig01 } from "./fig01.ts";
import { fig03 } from "./fig03.ts";
import { fig13 } from "./fig13.ts";
import { table1 } from "./table1.ts";

/** Figures, tables and controls, in the paper's order. */
const ITEMS: readonly Reproduction[] = [
  fig01,
  fig03,
  fig13,
  table1,
  controlRandom,
  controlShuffled,
];

/** Every item, in the paper's order: figures, tables, controls, and the claims that these decide. */
export const REPRODUCTIONS: readonly Reproduction[] = [...ITEMS, claimsItem(ITEMS)];
