/**
 * Every table and figure that can be reproduced.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { fig01 } from "./fig01.ts";
import { fig03 } from "./fig03.ts";

/** Every item, in the paper's order: figures, tables, controls. */
export const REPRODUCTIONS: readonly Reproduction[] = [
  fig01,
  fig03,
];
