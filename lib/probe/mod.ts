/**
 * Experiments as declared edits of a model graph: taps, patches and steering at named sites, and steering adjoints.
 *
 * @module
 */
export { ADAPTER_NAMES, type AdapterValues, type AppliedAdapters, applyAdapters } from "./adapter_edit.ts";
export { type AppliedEdits, applyEdits, checkEdits, EDIT_NAMES, type Edits, siteShape } from "./edits.ts";
export { SEQUENCE_NAMES, sequenceGraph, type SequenceOutputs } from "./sequence_graph.ts";
