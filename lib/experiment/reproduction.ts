import type { ClaimResult, MetricValue, PaperItem, VegaLiteSpec } from "../report/mod.ts";
import type { Laboratory } from "./laboratory.ts";
import type { ZooModel } from "./zoo_model.ts";

/** How what an item shows is known; see the source classes of fixtures/paper. */
export type ItemClass = "caption" | "code" | "review" | "inferred";

/**
 * What a model stands for: `a` for the paper's Qwen2.5-Math-7B, `a_` and a name for its siblings, models of one
 * architecture and width, `b` for Llama-3.1-8B-Instruct; `control` is the negative control, a model without the paper's
 * mechanisms.
 */
export type ModelRole = "a" | `a_${string}` | "b" | "control";

/** Whether a value is a role. */
export function isModelRole(value: unknown): value is ModelRole {
  return typeof value === "string" && /^(a|b|control|a_[a-z0-9_]+)$/.test(value);
}

/** Whether a role is `a` or that of a sibling. */
export function isFamily(role: ModelRole): boolean {
  return role.startsWith("a");
}

/** What a reproduction may use. */
export interface Bench {
  /** Measures conditions. */
  readonly lab: Laboratory;
  /** The roles that there are models of, in the profile's order. */
  readonly roles: readonly ModelRole[];
  /**
   * The model of a role, opened when it is first asked for. Throws {@link NotApplicable} for a role that the profile does
   * not have, and an InputError where its model is not there.
   */
  readonly open: (role: ModelRole) => Promise<ZooModel>;
  /**
   * Draw what the published code would, where that code has a fault that shows in the item. The metrics hold both
   * readings either way, and claims rest on the sound one. `@default false`
   */
  readonly asPublished?: boolean;
  /** What the paper says of the item, for tables that set it beside ours; the metrics never depend on it. */
  readonly paper?: PaperItem | null;
}

/** What a reproduction found. */
export interface Findings {
  /** The figure. */
  readonly spec: VegaLiteSpec;
  /** The measured numbers; the names do not depend on what was measured. */
  readonly values: readonly MetricValue[];
  /** The paper's statements, tested. */
  readonly claims: readonly ClaimResult[];
}

/** One table or figure of the paper: what it is, and how it is made from measurements. */
export interface Reproduction {
  /** `fig1`. */
  readonly id: string;
  /** A speaking name that may stand for the id: `single-layer`. */
  readonly slug: string;
  /** Its title in our words. */
  readonly title: string;
  /** How what it shows is known. */
  readonly itemClass: ItemClass;
  /** How this module's reading of the item differs from the published one, and why. */
  readonly differences: readonly string[];
  /** The fault of the published code that `asPublished` draws, for the figure's subtitle. `@default` none shows in it */
  readonly publishedFault?: string;
  /** Measures, and makes the figure, the numbers and the verdicts. */
  readonly run: (bench: Bench) => Promise<Findings>;
}
