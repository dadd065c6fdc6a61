import { golden } from "../checkpoint/_folder.ts";

type Rows = readonly (readonly number[])[];

/** Averages of one cosine; `ofMeans` is left out where it would compare a mean with itself. */
export interface GoldenAverages {
  readonly byText: number;
  readonly byToken: number;
  readonly ofMeans?: number;
}

/** What fixtures/golden/analysis.py makes. */
export interface AnalysisGolden {
  readonly spectra: readonly {
    readonly name: string;
    readonly rows: Rows;
    readonly values: readonly number[];
    readonly stableRank: number;
    readonly unitValues: readonly number[];
    readonly norms: readonly number[];
    readonly cosines: Rows;
  }[];
  readonly lens: {
    readonly epsilon: number;
    readonly unembedding: Rows;
    readonly vector: readonly number[];
    readonly gain: readonly number[];
    readonly base: Rows;
    readonly steered: Rows;
    readonly cosine: readonly number[];
    readonly dot: readonly number[];
    readonly behind: readonly number[];
    readonly behindCosine: readonly number[];
    readonly topByCosine: readonly number[];
    readonly bottomByDot: readonly number[];
    readonly normedShift: Rows;
    readonly logitChange: readonly number[];
  };
  readonly persistence: {
    readonly groups: number;
    readonly texts: readonly Rows[];
    readonly target: readonly number[];
    readonly toMean: GoldenAverages;
    readonly toText: GoldenAverages;
    readonly toTarget: GoldenAverages;
    readonly mean: readonly number[];
    readonly errors: Readonly<Record<"toMean" | "toText" | "toTarget", GoldenAverages>>;
  };
  readonly distribution: {
    readonly values: readonly number[];
    readonly edges: readonly number[];
    readonly counts: readonly number[];
    readonly below: number;
    readonly above: number;
    readonly mean: number;
    readonly standardDeviation: number;
    readonly skewness: number;
    readonly excessKurtosis: number;
    readonly quantiles: readonly number[];
  };
  readonly explained: {
    readonly texts: readonly { readonly actual: Rows; readonly predicted: Rows }[];
    readonly share: number;
  };
}

/** The golden file of the analyses. */
export function analysisGolden(): Promise<AnalysisGolden> {
  return golden<AnalysisGolden>("analysis.json");
}
