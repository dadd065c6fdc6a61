import { golden } from "../checkpoint/_folder.ts";

/** Vectors by layer, as bytes of float32 in base64. */
export type PackedVectors = Readonly<Record<string, string>>;

/** What another program makes of an autoencoder: activations [rows, features] and rows from them. */
export interface PackedCodes {
  readonly features: string;
  readonly decoded: string;
}

interface FormatsGolden {
  readonly written: Readonly<Record<string, string>>;
  readonly gguf: {
    readonly fields: Readonly<Record<string, readonly [string, string | number]>>;
    readonly tensors: Readonly<Record<string, readonly [string, readonly number[], string]>>;
    readonly repeng: { readonly model_type: string; readonly directions: PackedVectors };
  };
  readonly npy: {
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly values: string;
    readonly "saved by numpy": string;
  };
  readonly svec: {
    readonly keys: readonly string[];
    readonly model_type: string;
    readonly directions: PackedVectors;
    readonly shapes: Readonly<Record<string, readonly number[]>>;
    readonly explained_variances: Readonly<Record<string, number>>;
  };
  readonly transformers: Readonly<
    Record<string, {
      readonly class: string;
      readonly missing: readonly string[];
      readonly unexpected: readonly string[];
      readonly logits: string;
    }>
  >;
  readonly "llama.cpp": { readonly base: string; readonly steered: string; readonly "layer 0": string };
  readonly autoencoders: {
    readonly saelens: PackedCodes & {
      readonly class: string;
      readonly config: { readonly metadata: Readonly<Record<string, string>> };
    };
    readonly sparsify: PackedCodes;
  };
  readonly "their autoencoders": Readonly<
    Record<string, PackedCodes & { readonly files: Readonly<Record<string, string>> }>
  >;
  readonly torch: {
    readonly read: Readonly<Record<string, { readonly bytes: string; readonly vectors: PackedVectors }>>;
    readonly refused: Readonly<Record<string, string>>;
  };
  readonly repeng: { readonly bytes: string; readonly vectors: PackedVectors };
}

/** What fixtures/golden/vector_formats.py recorded. */
export const formatsGolden = (): Promise<FormatsGolden> => golden<FormatsGolden>("vector_formats.json");

/** Bytes in base64. */
export const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.fromBase64(text);

/** float32 numbers in base64. */
export const floatsOf = (text: string): Float32Array => new Float32Array(bytesOf(text).buffer);

/** Vectors by layer as plain rows, from the lowest layer up. */
export const plain = (vectors: ReadonlyMap<number, Float32Array>): (readonly [number, readonly number[]])[] =>
  [...vectors].map(([layer, values]) => [layer, [...values]] as const);

/** The same of recorded ones. */
export const unpacked = (vectors: PackedVectors): (readonly [number, readonly number[]])[] =>
  Object.entries(vectors).map(([layer, text]) => [Number(layer), [...floatsOf(text)]] as const)
    .sort(([a], [b]) => a - b);
