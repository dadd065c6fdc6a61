/**
 * Every table and figure that can be reproduced.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { controlLanguage } from "./control_language.ts";
import { fig01 } from "./fig01.ts";
import { fig02 } from "./fig02.ts";
import { fig03 } from "./fig03.ts";
import { fig04 } from "./fig04.ts";
import { fig14 } from "./fig14.ts";
import { fig15 } from "./fig15.ts";
import { fig16 } from "./fig16.ts";
import { fig17 } from "./fig17.ts";
import { fig18 } from "./fig18.ts";
import { table3 } from "./table3.ts";
import { table4 } from "./table4.ts";

/** Every item, in the paper's order: figures, tables, controls. */
export const REPRODUCTIONS: readonly Reproduction[] = [
  fig01,
  fig02,
  fig03,
  fig04,
  fig14,
  fig15,
  fig16,
  fig17,
  fig18,
  table3,
  table4,
  controlLanguage,
];
