import { type FinalNorm, type TokenLanguage, TokenLens, vocabularyLanguages } from "../analysis/mod.ts";
import { readTensor, type WeightEntry } from "../checkpoint/mod.ts";
import { tensor } from "../core/mod.ts";
import type { ZooModel } from "./zoo_model.ts";

/** How directions of a model's residual stream are read as tokens. */
export interface VocabularyLens {
  /** Reads directions through the unembedding. */
  readonly lens: TokenLens;
  /** The norm in front of it. */
  readonly finalNorm: FinalNorm;
  /** Text of each row of the unembedding; "" for a row without a token. */
  readonly texts: readonly string[];
  /** What each is written in. */
  readonly languages: readonly TokenLanguage[];
}

/**
 * The unembedding, the final norm and the vocabulary of a model, read from its files; a model with tied embeddings has
 * its embedding for an unembedding.
 */
export async function vocabularyLens(zoo: ZooModel): Promise<VocabularyLens> {
  const { model: { checkpoint, config }, tokenizer } = zoo;
  const weight = (name: string) => readTensor(checkpoint.weights.get(name) as WeightEntry);
  const rows = await weight(config.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight");
  const texts = Array.from({ length: config.vocab }, (_, token) => tokenizer.tokenText(token));
  return {
    lens: new TokenLens(tensor("float32", [config.vocab, config.embed], rows)),
    finalNorm: { gain: await weight("model.norm.weight"), epsilon: config.rmsNormEps },
    texts,
    languages: vocabularyLanguages(texts, { special: tokenizer.specialTokenIds }),
  };
}
