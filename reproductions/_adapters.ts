import { AdapterMagnitudes } from "../lib/analysis/mod.ts";
import {
  type AdapterTrace,
  adapterTraces,
  type Bench,
  inTurn,
  type Treatment,
  type ZooModel,
} from "../lib/experiment/mod.ts";

/** One layer's adapter, trained alone; of several training seeds the first. */
interface AdaptedLayer {
  readonly layer: number;
  readonly treatment: Treatment;
}

/** An adapter and what it did along the answers of its own model. */
export interface TracedLayer extends AdaptedLayer {
  readonly traces: readonly AdapterTrace[];
  /** All positions of all traces. */
  readonly magnitudes: AdapterMagnitudes;
}

/** The adapters of every layer; a missing one is found before anything is measured. */
export async function adaptedLayers(a: ZooModel): Promise<readonly AdaptedLayer[]> {
  const layers: AdaptedLayer[] = [];
  for (let layer = 0; layer < a.layers; layer++) {
    const [treatment] = await a.trained(`adapter-${layer}`);
    layers.push({ layer, treatment: treatment as Treatment });
  }
  return layers;
}

/** The measurement that fig22 to fig25 share: answers under each layer's adapter, and its magnitudes along them. */
export async function tracedLayers({ lab, open }: Bench): Promise<{
  readonly a: ZooModel;
  readonly layers: readonly TracedLayer[];
}> {
  const a = await open("a"), problems = lab.problems(lab.size.read);
  const adapted = await adaptedLayers(a);
  const layers = await inTurn(adapted.map(({ layer, treatment }) => async (): Promise<TracedLayer> => {
    const traces = await adapterTraces(lab, { zoo: a, treatment, layer, problems });
    const magnitudes = new AdapterMagnitudes();
    for (const trace of traces) magnitudes.add(trace);
    return { layer, treatment, traces, magnitudes };
  }));
  return { a, layers };
}

/** +1, or −1 for an adapter whose magnitudes are negative on average: the sign of a direction is a convention. */
export function signOf({ traces }: TracedLayer): 1 | -1 {
  const sum = traces.reduce((total, { magnitudes }) => total + magnitudes.reduce((a, b) => a + b, 0), 0);
  return sum < 0 ? -1 : 1;
}

/** Why the number of the figure is ours, for subtitles. */
export const INFERRED = "Number of the figure inferred (Appendix S).";

/** What fig22 to fig26 read otherwise than the published code. */
export const ADAPTER_DIFFERENCES: readonly string[] = [
  "The number of the figure is our assignment: the code only says that it belongs to Appendix S.",
  "Problems are held out; the published ones belong to the training set.",
  "Numbers are float32 of the model and float64 from there on; the published ones are bfloat16.",
];
